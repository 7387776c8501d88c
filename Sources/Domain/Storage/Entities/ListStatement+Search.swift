internal import Postgres

/// Pages of those that a text is found in (`docs/lists.md`).
///
/// The keys of a rare text find its rows, which are counted and put in order; a frequent one is found by walking the list in
/// its order until the page is full. Each way is hopeless for the other kind: a sample of a long list shows the kind. The
/// total is exact where matches are gathered: in lists of up to ``countedRows`` rows, and of up to ``countedMatches`` matches
/// in longer ones; beyond, it may be estimated from the sample. Whether there is another page is always exact.
extension ListStatement {
    /// A list of up to so many rows is searched whole.
    static let countedRows: Int64 = 10_000
    /// So many matches are gathered in any case.
    static let countedMatches: Int64 = 2_000

    func foundPage<Element: Sendable>(
        _ text: String, _ link: PageLink, on runner: any StatementRunner, _ read: (PostgresRow) -> Element
    ) async throws -> Page<Element> {
        var search = try await ListSearch(text, in: self, on: runner)
        guard shape.indexed != nil else { return try await gatheredPage(search, keys: nil, link, on: runner, read) }
        let all = isTallied ? try await tally(on: runner) : 0
        if all <= Self.countedRows {
            // Keys tell tenants apart, but not their customers and profiles.
            let keys = conditions.count == 1 || isAboutJoined ? search.keys() : nil
            return try await gatheredPage(
                search, keys: keys.map { "(SELECT array_agg(key) FROM (\($0)) AS keys)" }, link, on: runner, read)
        }
        let survey = try await survey(search, of: all, link, on: runner)
        let end = link.offset.addingReportingOverflow(Int64(link.pageSize)).partialValue
        let keys = survey.rarestKeys
        if !keys.isEmpty {
            let isCheaper = survey.isGatheringCheaper(upTo: end, in: orderSource(of: link))
            if isCheaper || survey.estimate <= Self.countedMatches {
                let place = search.add(.int8Array(keys))
                let bound = isCheaper ? nil : Self.countedMatches
                let page = try await gatheredPage(
                    search, keys: place + "::int8[]", link, bound: bound, on: runner, read)
                if page.totalElements <= bound ?? .max { return page }
            }
        }
        return try await walkedPage(
            search, estimate: max(survey.estimate, Self.countedMatches + 1), link, on: runner, read)
    }

    // MARK: - The source of a search

    /// What rows are looked for in: without what is joined to them, as long as nothing is about that.
    private func searchedSource(_ link: PageLink) throws(EntityError) -> String {
        guard let table = shape.indexed, let counted = shape.counted, !isAboutJoined else { return shape.source }
        guard let column = try sortColumn(of: link) else { return counted }
        return column.hasPrefix(table + ".") ? counted : shape.source
    }

    private func orderSource(of link: PageLink) -> SearchSurvey.Order {
        switch try? sortColumn(of: link) {
        case nil: .index
        case let column? where column.hasSuffix(".created_time"): .index
        case let column? where column.hasSuffix(".name"): .table
        default: .sorting
        }
    }

    private func condition(_ further: String) -> String {
        filter.isEmpty ? " WHERE \(further)" : "\(filter) AND \(further)"
    }

    // MARK: - Gathering

    /// All that match are found first, counted, and only then put in order. The list's own conditions hold for the page again:
    /// where things are joined, an id may have rows that are not in the list.
    ///
    /// - Parameters:
    ///   - keys: An array of keys that all rows have which are not found through others; `nil`: every row is looked at.
    ///   - bound: Matches that are gathered, at most one more; `nil` for all.
    private func gatheredPage<Element: Sendable>(
        _ search: ListSearch, keys: String?, _ link: PageLink, bound: Int64? = nil, on runner: any StatementRunner,
        _ read: (PostgresRow) -> Element
    ) async throws -> Page<Element> {
        let order = try order(of: link, column: "sort_key", id: "found_id")
        let sortKey = try sortColumn(of: link).map { ", \($0) AS sort_key" } ?? ""
        let range = search.statement.range(of: link)
        let source = try searchedSource(link)
        let limit = bound.map { " LIMIT \($0 + 1)" } ?? ""
        let matching = search.selections(keys: keys)
            .map { "(SELECT \(shape.id) AS found_id\(sortKey) FROM \(source)\(condition($0))\(limit))" }
            .joined(separator: " UNION ")
        let rows = try await runner.query(
            """
            WITH matching AS MATERIALIZED (\(matching)),
            found AS (
                SELECT *, (SELECT count(*) FROM matching) AS found_total FROM matching
                ORDER BY \(order) \(range.text))
            SELECT \(shape.columns), found_total
            FROM \(shape.source) JOIN found ON found_id = \(shape.id)\(filter) ORDER BY \(order)
            """, search.statement.parameters + range.parameters)
        var total: Int64 = 0
        if let row = rows.first {
            total = row.int8(row.column("found_total")) ?? 0
        } else if link.offset > 0 {
            let counted = try await runner.query(
                "SELECT count(*) FROM (\(matching)) AS matching", search.statement.parameters)
            total = counted.first?.int8(0) ?? 0
        }
        return Page(elements: rows.map(read), totalElements: total, link: link)
    }

    // MARK: - Walking

    /// Walks the list in its order until the page and one more row are found.
    private func walkedPage<Element: Sendable>(
        _ search: ListSearch, estimate: Int64, _ link: PageLink, on runner: any StatementRunner,
        _ read: (PostgresRow) -> Element
    ) async throws -> Page<Element> {
        let found = try order(of: link, column: "sort_key", id: "found_id")
        let sortKey = try sortColumn(of: link).map { ", \($0) AS sort_key" } ?? ""
        let range = search.statement.range(of: link, more: 1)
        let rows = try await runner.query(
            """
            WITH found AS (
                SELECT \(shape.id) AS found_id\(sortKey) FROM \(try searchedSource(link))\(condition(search.opaqueMatch))
                ORDER BY \(try order(of: link)) \(range.text))
            SELECT \(shape.columns) FROM \(shape.source) JOIN found ON found_id = \(shape.id)\(filter) ORDER BY \(found)
            """, search.statement.parameters + range.parameters)
        let seen = link.offset + Int64(rows.rowCount)
        let total =
            rows.rowCount > link.pageSize ? max(estimate, seen) : rows.isEmpty ? min(estimate, link.offset) : seen
        return Page(elements: rows.prefix(link.pageSize).map(read), totalElements: total, link: link)
    }

    // MARK: - Sampling

    private func survey(
        _ search: ListSearch, of all: Int64, _ link: PageLink, on runner: any StatementRunner
    ) async throws -> SearchSurvey {
        guard let table = shape.indexed, let counted = shape.counted else {
            preconditionFailure("\(shape.source) has no sample")
        }
        var search = search
        let keys = search.keys() ?? "SELECT NULL::text AS gram, NULL::int8 AS key WHERE false"
        let isDescending = link.sort?.descending == true
        let place: String
        switch try sortColumn(of: link) {
        case nil: place = shape.id
        case "\(table).created_time": place = "\(table).created_time"
        // It begins with the name; where in the list is all that has to be known.
        case "\(table).name": place = "\(table).search_text"
        default: place = "0"
        }
        let rows = try await runner.query(
            """
            WITH sample AS MATERIALIZED (
                SELECT \(table).search_text, \(place) AS place, coalesce(\(search.sampledMatch), false) AS is_match
                FROM \(counted)\(condition("uuid_hash_extended(\(table).id, 0) & 63 = 0"))
                ORDER BY uuid_hash_extended(\(table).id, 0) LIMIT \(SearchSurvey.rows)),
            keys AS MATERIALIZED (\(keys))
            SELECT (SELECT count(*) FROM sample) AS size, (SELECT count(*) FROM sample WHERE is_match) AS matches,
                (SELECT count(*) FROM sample WHERE place \(isDescending ? ">" : "<") (
                    SELECT place FROM sample WHERE is_match ORDER BY place \(isDescending ? "DESC" : "ASC") LIMIT 1)) AS before,
                key, (SELECT count(*) FROM (SELECT search_text FROM sample LIMIT \(SearchSurvey.rowsForKeys)) AS beginning
                    WHERE strpos(search_text, gram) > 0) AS count
            FROM (SELECT) AS one LEFT JOIN keys ON true
            """, search.statement.parameters)
        guard let first = rows.first else { return SearchSurvey(listed: all) }
        return SearchSurvey(
            listed: all, size: first.int8(0) ?? 0, matches: first.int8(1) ?? 0, before: first.int8(2) ?? 0,
            keys: rows.compactMap { row in row.int8(3).map { (key: $0, count: row.int8(4) ?? 0) } })
    }
}
