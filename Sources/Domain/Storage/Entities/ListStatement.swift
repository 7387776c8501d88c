internal import Model
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
        /// What else `textSearch` looks at: names of profiles and customers.
        var searchedThrough: [Related] = []
        /// The part of ``source`` that is enough to count rows, unless a condition is about what is joined to it.
        var counted: String?
        /// A table of changes of the number of rows (`CountTables`), under the alias of the list's own table and with every
        /// column that conditions name, unless a condition is about what is joined.
        var tally: String?
        /// The alias of the list's own table where it has the columns and indexes of `SearchKeys`.
        var indexed: String?
        /// Members of ``sortable`` that are never NULL, so that an index can give their order.
        var neverNull: Set<String> = []
    }

    /// Few things that many rows refer to. They are found first: a text that is in none of their names costs nothing, and the
    /// planner knows how many rows the others have.
    struct Related: Sendable {
        /// Selects ids by the first parameter that was required, the tenant, as `$1` and the pattern as `$2`.
        var found: String
        /// In which `$?` stands for these ids.
        var condition: StaticString
    }

    let shape: Shape
    private(set) var conditions: [String] = []
    private(set) var parameters: [PostgresParameter] = []
    private(set) var isAboutJoined = false

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

    /// The same for a condition about a table that is joined to the list's own.
    mutating func requireJoined(_ condition: StaticString, _ parameter: PostgresParameter) {
        require(condition, parameter)
        isAboutJoined = true
    }

    /// Adds a condition without parameters.
    mutating func require(_ condition: StaticString) { conditions.append("\(condition)") }

    /// Reads the page with the total of the list.
    func page<Element: Sendable>(
        _ link: PageLink, on runner: any StatementRunner, _ read: (PostgresRow) -> Element
    ) async throws -> Page<Element> {
        if let search = link.textSearch, !search.isEmpty {
            return try await foundPage(search, link, on: runner, read)
        }
        let order = try order(of: link)
        let range = range(of: link)
        let total = isTallied ? ", (\(tallied)) AS tallied, (\(fragmented)) AS is_fragmented" : ""
        let rows = try await runner.query(
            "SELECT \(shape.columns)\(total) FROM \(shape.source)\(filter) ORDER BY \(order) \(range.text)",
            parameters + range.parameters)
        return Page(
            elements: rows.map(read), totalElements: try await self.total(of: rows, link, on: runner), link: link)
    }

    /// The length of the list: what the page itself tells, or what came with it, or counted.
    private func total(of rows: PostgresResult, _ link: PageLink, on runner: any StatementRunner) async throws -> Int64
    {
        if rows.rowCount < link.pageSize, !rows.isEmpty || link.offset == 0 {
            return link.offset + Int64(rows.rowCount)
        }
        guard isTallied else { return try await count(on: runner) }
        guard let row = rows.first, let total = row.int8(row.column("tallied")) else {
            return try await tally(on: runner)
        }
        if row.bool(row.column("is_fragmented")) == true { try await mergeChanges(on: runner) }
        return total
    }

    /// Adds a parameter that is used outside of the conditions; returns its place.
    mutating func add(_ parameter: PostgresParameter) -> String {
        parameters.append(parameter)
        return "$\(parameters.count)"
    }

    /// Page sizes that clients ask for over and over.
    private static let usual: Set<Int> = [
        1, 5, 6, 8, 9, 10, 12, 15, 16, 18, 20, 24, 25, 30, 40, 50, 60, 100, 1000, 1024,
    ]

    /// LIMIT and OFFSET of a page and `more` rows behind it. Numbers that are usual are part of the text: the planner then
    /// knows that few rows are wanted, and the plan that it keeps is for few.
    func range(of link: PageLink, more: Int = 0) -> (text: String, parameters: [PostgresParameter]) {
        var values: [PostgresParameter] = []
        func place(_ value: Int64) -> String {
            values.append(.int8(value))
            return "$\(parameters.count + values.count)"
        }
        let isUsual = Self.usual.contains(link.pageSize)
        let limit = isUsual ? "\(link.pageSize + more)" : place(Int64(link.pageSize) + Int64(more))
        let offset = link.page == 0 ? "" : " OFFSET \(place(link.offset))"
        return ("LIMIT \(limit)\(offset)", values)
    }

    /// The column that the list is sorted by; `nil` for the order of ids.
    func sortColumn(of link: PageLink) throws(EntityError) -> String? {
        guard let sort = link.sort, sort.property != "id" else { return nil }
        guard let column = shape.sortable[sort.property] else { throw .invalid("Invalid sort property") }
        return column
    }

    /// Behind ORDER BY, with the id as last criterion; `column` and `id` are what the criteria are called there.
    func order(of link: PageLink, column: String? = nil, id: String? = nil) throws(EntityError) -> String {
        let id = id ?? shape.id
        guard let sort = link.sort, let sorted = try sortColumn(of: link) else {
            return link.sort?.descending == true ? "\(id) DESC" : "\(id) ASC"
        }
        let nulls = shape.neverNull.contains(sort.property) ? "" : " NULLS LAST"
        return "\(column ?? sorted) \(sort.descending ? "DESC" : "ASC")\(nulls), \(id) ASC"
    }

    func count(on runner: any StatementRunner) async throws -> Int64 {
        let source = isAboutJoined ? shape.source : shape.counted ?? shape.source
        let result = try await runner.query("SELECT count(*) FROM \(source)\(filter)", parameters)
        return result[0].int8(0) ?? 0
    }

    var filter: String {
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

    static func numbered(_ condition: String, _ number: Int) -> String {
        guard let mark = condition.firstIndex(of: "?") else { preconditionFailure("no $? in \(condition)") }
        return condition[..<mark] + "\(number)" + condition[condition.index(after: mark)...]
    }
}
