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
        /// Further conditions of `textSearch` in which `$?` stands for the pattern and `$1` for the first parameter that
        /// was required, the tenant: rows whose profile or customer is called so, found by their indexes.
        var searchedThrough: [String] = []
        /// Members of ``sortable`` that are never NULL, so that an index can give their order.
        var neverNull: Set<String> = []
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
    /// the whole table.
    private func foundPage<Element: Sendable>(
        _ text: String, _ link: PageLink, on runner: any StatementRunner, _ read: (PostgresRow) -> Element
    ) async throws -> Page<Element> {
        var filtered = self
        filtered.search(text)
        let order = try order(of: link, column: "sort_key", id: "found_id")
        let sortKey = try sortColumn(of: link).map { ", \($0) AS sort_key" } ?? ""
        let next = filtered.parameters.count + 1
        let rows = try await runner.query(
            """
            WITH found AS (
                SELECT \(shape.id) AS found_id, count(*) OVER () AS found_total\(sortKey)
                FROM \(shape.source)\(filtered.filter) ORDER BY \(order) LIMIT $\(next) OFFSET $\(next + 1))
            SELECT \(shape.columns), found_total
            FROM \(shape.source) JOIN found ON found_id = \(shape.id) ORDER BY \(order)
            """, filtered.parameters + [.int8(Int64(link.pageSize)), .int8(link.offset)])
        let total: Int64
        if let row = rows.first {
            total = row.int8(row.column("found_total")) ?? 0
        } else {
            total = link.offset == 0 ? 0 : try await filtered.count(on: runner)
        }
        return Page(elements: rows.map(read), totalElements: total, link: link)
    }

    private mutating func search(_ text: String) {
        parameters.append(.text("%" + Self.escaped(text) + "%"))
        let number = parameters.count
        let conditions =
            shape.searched.map { "\($0) ILIKE $\(number)" } + shape.searchedThrough.map { Self.numbered($0, number) }
        self.conditions.append("(" + conditions.joined(separator: " OR ") + ")")
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
