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

    private let shape: Shape
    private var conditions: [String] = []
    private var parameters: [PostgresParameter] = []
    private var isAboutJoined = false

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

    /// Reads the page; counts the whole list only when the page itself does not tell.
    func page<Element: Sendable>(
        _ link: PageLink, on runner: any StatementRunner, _ read: (PostgresRow) -> Element
    ) async throws -> Page<Element> {
        if let search = link.textSearch, !search.isEmpty {
            return try await foundPage(search, link, on: runner, read)
        }
        let order = try order(of: link)
        let next = parameters.count + 1
        let rows = try await runner.query(
            "SELECT \(shape.columns) FROM \(shape.source)\(filter) ORDER BY \(order) LIMIT $\(next) OFFSET $\(next + 1)",
            parameters + [.int8(Int64(link.pageSize)), .int8(link.offset)])
        let elements = rows.map(read)
        let total: Int64
        if elements.count < link.pageSize, !elements.isEmpty || link.offset == 0 {
            total = link.offset + Int64(elements.count)
        } else {
            total = try await count(on: runner)
        }
        return Page(elements: elements, totalElements: total, link: link)
    }

    /// Reads the page of those that a text is found in.
    ///
    /// All that match are found first, by the indexes of the searched columns, counted, and only then put in order: left to
    /// itself the planner walks the order's index in the hope to meet a match soon, which a rare text makes a walk through
    /// the whole table (`docs/lists.md`). The list's own conditions hold for the page again: where things are joined, an id
    /// may have rows that are not in the list.
    private func foundPage<Element: Sendable>(
        _ text: String, _ link: PageLink, on runner: any StatementRunner, _ read: (PostgresRow) -> Element
    ) async throws -> Page<Element> {
        var filtered = self
        try await filtered.search(text, on: runner)
        let order = try order(of: link, column: "sort_key", id: "found_id")
        let sortKey = try sortColumn(of: link).map { ", \($0) AS sort_key" } ?? ""
        let next = filtered.parameters.count + 1
        let rows = try await runner.query(
            """
            WITH matching AS MATERIALIZED (
                SELECT \(shape.id) AS found_id\(sortKey) FROM \(shape.source)\(filtered.filter)),
            found AS (
                SELECT *, (SELECT count(*) FROM matching) AS found_total FROM matching
                ORDER BY \(order) LIMIT $\(next) OFFSET $\(next + 1))
            SELECT \(shape.columns), found_total
            FROM \(shape.source) JOIN found ON found_id = \(shape.id)\(filter) ORDER BY \(order)
            """, filtered.parameters + [.int8(Int64(link.pageSize)), .int8(link.offset)])
        let total: Int64
        if let row = rows.first {
            total = row.int8(row.column("found_total")) ?? 0
        } else {
            total = link.offset == 0 ? 0 : try await filtered.count(on: runner)
        }
        return Page(elements: rows.map(read), totalElements: total, link: link)
    }

    private mutating func search(_ text: String, on runner: any StatementRunner) async throws {
        // `%` and `_` stand for what they do in patterns (`rest-api.md` 2.6).
        let pattern = PostgresParameter.text("%" + text.filter { $0 != "\0" } + "%")
        let tenant = parameters.first
        parameters.append(pattern)
        var alternatives = shape.searched.map { "\($0) ILIKE $\(parameters.count)" }
        for related in shape.searchedThrough {
            guard let tenant else { preconditionFailure("a search through relatives without their tenant") }
            let ids = try await runner.query(related.found, [tenant, pattern]).compactMap { $0.id(0) }
            if ids.isEmpty { continue }
            parameters.append(.ids(ids))
            alternatives.append(Self.numbered("\(related.condition)", parameters.count))
        }
        conditions.append("(" + alternatives.joined(separator: " OR ") + ")")
    }

    /// The column that the list is sorted by; `nil` for the order of ids.
    private func sortColumn(of link: PageLink) throws(EntityError) -> String? {
        guard let sort = link.sort, sort.property != "id" else { return nil }
        guard let column = shape.sortable[sort.property] else { throw .invalid("Invalid sort property") }
        return column
    }

    /// Behind ORDER BY, with the id as last criterion; `column` and `id` are what the criteria are called there.
    private func order(of link: PageLink, column: String? = nil, id: String? = nil) throws(EntityError) -> String {
        let id = id ?? shape.id
        guard let sort = link.sort, let sorted = try sortColumn(of: link) else {
            return link.sort?.descending == true ? "\(id) DESC" : "\(id) ASC"
        }
        let nulls = shape.neverNull.contains(sort.property) ? "" : " NULLS LAST"
        return "\(column ?? sorted) \(sort.descending ? "DESC" : "ASC")\(nulls), \(id) ASC"
    }

    private func count(on runner: any StatementRunner) async throws -> Int64 {
        let source = isAboutJoined ? shape.source : shape.counted ?? shape.source
        let result = try await runner.query("SELECT count(*) FROM \(source)\(filter)", parameters)
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
