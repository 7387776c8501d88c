internal import Postgres

/// Puts a list's SELECT together: fixed text and numbered parameters, nothing spliced in that a user wrote.
struct ListStatement {
    /// What the columns of a list are called in SQL.
    struct Shape: Sendable {
        var columns: String
        /// Behind FROM.
        var source: String
        /// The last criterion of every order, so that pages never overlap.
        var id = "id"
        /// Columns that `textSearch` looks at.
        var searched: [String]
        /// JSON member to column.
        var sortable: [String: String]
    }

    private let shape: Shape
    private var conditions: [String] = []
    private var parameters: [PostgresParameter] = []

    init(_ shape: Shape) { self.shape = shape }

    /// Adds a condition in which `$?` stands for `parameter`.
    mutating func require(_ condition: StaticString, _ parameter: PostgresParameter) {
        parameters.append(parameter)
        conditions.append(Self.numbered("\(condition)", parameters.count))
    }

    /// Adds a condition on a column in which `$?` stands for `parameter`.
    mutating func require(_ column: StaticString, _ comparison: StaticString, _ parameter: PostgresParameter) {
        parameters.append(parameter)
        conditions.append(Self.numbered("\(column)\(comparison)", parameters.count))
    }

    /// Deletes what the list would show, of a source that is one table.
    func delete(on runner: any StatementRunner) async throws {
        precondition(!conditions.isEmpty, "a list without conditions is not deleted")
        _ = try await runner.query("DELETE FROM \(shape.source)\(filter)", parameters)
    }

    /// Adds a condition without parameters.
    mutating func require(_ condition: StaticString) { conditions.append("\(condition)") }

    /// Reads the page; counts the whole list only when the page itself does not tell.
    func page<Element: Sendable>(
        _ link: PageLink, on runner: any StatementRunner, _ read: (PostgresRow) -> Element
    ) async throws -> Page<Element> {
        var filtered = self
        if let search = link.textSearch, !search.isEmpty { filtered.search(search) }
        let rows = try await filtered.rows(link, on: runner)
        let elements = rows.map(read)
        let offset = link.offset
        let total: Int64
        if elements.count < link.pageSize, !elements.isEmpty || offset == 0 {
            total = offset + Int64(elements.count)
        } else {
            total = try await filtered.count(on: runner)
        }
        return Page(elements: elements, totalElements: total, link: link)
    }

    private mutating func search(_ text: String) {
        parameters.append(.text("%" + Self.escaped(text) + "%"))
        let number = parameters.count
        conditions.append("(" + shape.searched.map { "\($0) ILIKE $\(number)" }.joined(separator: " OR ") + ")")
    }

    private func rows(_ link: PageLink, on runner: any StatementRunner) async throws -> PostgresResult {
        var order = "\(shape.id) ASC"
        if let sort = link.sort, sort.property != "id" {
            guard let column = shape.sortable[sort.property] else { throw EntityError.invalid("Invalid sort property") }
            order = "\(column) \(sort.descending ? "DESC" : "ASC") NULLS LAST, \(order)"
        } else if link.sort?.descending == true {
            order = "\(shape.id) DESC"
        }
        let next = parameters.count + 1
        return try await runner.query(
            "SELECT \(shape.columns) FROM \(shape.source)\(filter) ORDER BY \(order) LIMIT $\(next) OFFSET $\(next + 1)",
            parameters + [.int8(Int64(link.pageSize)), .int8(link.offset)])
    }

    private func count(on runner: any StatementRunner) async throws -> Int64 {
        let result = try await runner.query("SELECT count(*) FROM \(shape.source)\(filter)", parameters)
        return result[0].int8(0) ?? 0
    }

    private var filter: String {
        conditions.isEmpty ? "" : " WHERE " + conditions.joined(separator: " AND ")
    }

    /// `text` as part of a LIKE pattern in which every character stands for itself.
    static func escaped(_ text: String) -> String {
        var escaped = ""
        for character in text.unicodeScalars where character != "\0" {
            if character == "\\" || character == "%" || character == "_" { escaped.unicodeScalars.append("\\") }
            escaped.unicodeScalars.append(character)
        }
        return escaped
    }

    private static func numbered(_ condition: String, _ number: Int) -> String {
        guard let mark = condition.firstIndex(of: "?") else { preconditionFailure("no $? in \(condition)") }
        return condition[..<mark] + "\(number)" + condition[condition.index(after: mark)...]
    }
}
