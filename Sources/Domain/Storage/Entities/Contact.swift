internal import Postgres

/// Where to reach a tenant or customer.
public struct Contact: Sendable, Equatable {
    public var country: String?
    public var state: String?
    public var city: String?
    public var address: String?
    public var address2: String?
    public var zip: String?
    public var phone: String?
    public var email: String?

    public init() {}

    static let columns = "country, state, city, address, address2, zip, phone, email"

    /// Reads ``columns`` from `column` on.
    init(_ row: PostgresRow, at column: Int) {
        country = row.text(column)
        state = row.text(column + 1)
        city = row.text(column + 2)
        address = row.text(column + 3)
        address2 = row.text(column + 4)
        zip = row.text(column + 5)
        phone = row.text(column + 6)
        email = row.text(column + 7)
    }

    /// In the order of ``columns``.
    var parameters: [PostgresParameter] {
        [country, state, city, address, address2, zip, phone, email].map { .text($0) }
    }
}
