internal import Postgres

/// Pages of those that a text is found in (`docs/lists.md`).
///
/// A rare text is found by the indexes of the searched columns; a frequent one by walking the list in its order until the page
/// is full. Each way is hopeless for the other kind, so a long list is first walked for a bounded number of rows; if these do
/// not fill the page, a sample of the table shows the kind. The total is exact as far as counting is cheap: for lists of up to
/// ``countedRows`` rows, and for up to that many matches; beyond, it is estimated from the share of matches among the rows
/// looked at. Whether there is another page is always exact.
extension ListStatement {
    /// Rows that are looked at in any case, and matches that are counted.
    static let countedRows: Int64 = 10_000
    /// Rows of a long list that are walked to see how frequent a text is.
    static let walkedRows: Int64 = 1_000
    /// Rows of the table that a sample has, about.
    private static let sampledRows = 1_000.0
    /// Matches in a sample that are no accident.
    private static let fewMatches: Int64 = 5

    func foundPage<Element: Sendable>(
        _ text: String, _ link: PageLink, on runner: any StatementRunner, _ read: (PostgresRow) -> Element
    ) async throws -> Page<Element> {
        var searching = self
        let match = try await searching.searched(for: text, on: runner)
        guard isTallied else { return try await gatheredPage(searching, match, link, bound: nil, on: runner, read) }
        let all = try await tally(on: runner)
        if all <= Self.countedRows {
            return try await gatheredPage(searching, match, link, bound: nil, on: runner, read)
        }
        let walked = try await walkedPage(searching, match, link, on: runner)
        let last = link.offset.addingReportingOverflow(Int64(link.pageSize)).partialValue
        var estimate = all * walked.matches / Self.walkedRows
        if walked.rows.rowCount > link.pageSize {
            return Page(
                elements: walked.rows.prefix(link.pageSize).map(read), totalElements: max(estimate, last + 1),
                link: link)
        }
        let sampled = try await sampledMatches(searching, match, of: all, on: runner)
        if sampled <= Self.countedRows {
            let gathered = try await gatheredPage(searching, match, link, bound: Self.countedRows, on: runner, read)
            if gathered.totalElements <= Self.countedRows { return gathered }
        }
        estimate = max(estimate, sampled)
        let rows = try await fullyWalkedPage(searching, match, link, on: runner)
        let isLast = rows.rowCount <= link.pageSize
        let total = isLast && !rows.isEmpty ? link.offset + Int64(rows.rowCount) : max(estimate, Self.countedRows + 1)
        return Page(
            elements: rows.prefix(link.pageSize).map(read),
            totalElements: isLast ? total : max(total, last + 1), link: link)
    }

    /// What a row has to fulfil, without the list's own conditions; adds its parameters.
    private mutating func searched(for text: String, on runner: any StatementRunner) async throws -> String {
        // `%` and `_` stand for what they do in patterns (`rest-api.md` 2.6).
        let pattern = PostgresParameter.text("%" + text.filter { $0 != "\0" } + "%")
        let tenant = parameters.first
        let place = add(pattern)
        var alternatives = shape.searched.map { "\($0) ILIKE \(place)" }
        for related in shape.searchedThrough {
            guard let tenant else { preconditionFailure("a search through relatives without their tenant") }
            let ids = try await runner.query(related.found, [tenant, pattern]).compactMap { $0.id(0) }
            if ids.isEmpty { continue }
            _ = add(.ids(ids))
            alternatives.append(Self.numbered("\(related.condition)", parameters.count))
        }
        return "(" + alternatives.joined(separator: " OR ") + ")"
    }

    /// All that match are found first, by the indexes of the searched columns, counted, and only then put in order. The
    /// list's own conditions hold for the page again: where things are joined, an id may have rows that are not in the list.
    ///
    /// - Parameters:
    ///   - searching: This list with the parameters of the search.
    ///   - bound: Matches that are gathered, at most one more; `nil` for all.
    private func gatheredPage<Element: Sendable>(
        _ searching: ListStatement, _ match: String, _ link: PageLink, bound: Int64?, on runner: any StatementRunner,
        _ read: (PostgresRow) -> Element
    ) async throws -> Page<Element> {
        let order = try order(of: link, column: "sort_key", id: "found_id")
        let sortKey = try sortColumn(of: link).map { ", \($0) AS sort_key" } ?? ""
        let range = searching.range(of: link)
        let condition = filter.isEmpty ? " WHERE \(match)" : "\(filter) AND \(match)"
        let limit = bound.map { " LIMIT \($0 + 1)" } ?? ""
        let rows = try await runner.query(
            """
            WITH matching AS MATERIALIZED (
                SELECT \(shape.id) AS found_id\(sortKey) FROM \(shape.source)\(condition)\(limit)),
            found AS (
                SELECT *, (SELECT count(*) FROM matching) AS found_total FROM matching
                ORDER BY \(order) \(range.text))
            SELECT \(shape.columns), found_total
            FROM \(shape.source) JOIN found ON found_id = \(shape.id)\(filter) ORDER BY \(order)
            """, searching.parameters + range.parameters)
        let total: Int64
        if let row = rows.first {
            total = row.int8(row.column("found_total")) ?? 0
        } else {
            total = link.offset == 0 ? 0 : try await count(condition, searching.parameters, bound, on: runner)
        }
        return Page(elements: rows.map(read), totalElements: total, link: link)
    }

    private func count(
        _ condition: String, _ parameters: [PostgresParameter], _ bound: Int64?, on runner: any StatementRunner
    ) async throws -> Int64 {
        let limit = bound.map { " LIMIT \($0 + 1)" } ?? ""
        return try await runner.query(
            "SELECT count(*) FROM (SELECT \(shape.id) FROM \(shape.source)\(condition)\(limit)) AS matching", parameters
        ).first?.int8(0) ?? 0
    }

    /// How many of the `all` rows match, by a sample of the table; 0 when it has too few of the list to tell.
    private func sampledMatches(
        _ searching: ListStatement, _ match: String, of all: Int64, on runner: any StatementRunner
    ) async throws -> Int64 {
        guard let table = shape.counted else { return 0 }
        let size = try await runner.query(
            "SELECT reltuples::float8 FROM pg_class WHERE oid = $1::text::regclass",
            [.text(String(table.prefix { $0 != " " }))]
        ).first?.double(0)
        let percent = min(100, 100 * Self.sampledRows / max(1, size ?? 1))
        let found = try await runner.query(
            """
            SELECT count(*) FILTER (WHERE \(match)), count(*)
            FROM \(table) TABLESAMPLE SYSTEM ($\(searching.parameters.count + 1))\(filter)
            """, searching.parameters + [.double(percent)])
        guard let row = found.first, let matches = row.int8(0), let rows = row.int8(1), matches >= Self.fewMatches
        else { return 0 }
        return all * matches / rows
    }

    /// Walks the first rows of the list in its order.
    ///
    /// - Returns: Rows of the page and one more, as far as they are among those; how many of those match.
    private func walkedPage(
        _ searching: ListStatement, _ match: String, _ link: PageLink, on runner: any StatementRunner
    ) async throws -> (rows: PostgresResult, matches: Int64) {
        let found = try order(of: link, column: "sort_key", id: "found_id")
        let range = searching.range(of: link, more: 1)
        let rows = try await runner.query(
            """
            WITH walked AS MATERIALIZED (\(try walk(match, link)) LIMIT \(Self.walkedRows)),
            found AS (SELECT * FROM walked WHERE is_match ORDER BY \(found) \(range.text))
            SELECT \(shape.columns), (SELECT count(*) FROM walked WHERE is_match) AS matches
            FROM \(shape.source) JOIN found ON found_id = \(shape.id)\(filter) ORDER BY \(found)
            """, searching.parameters + range.parameters)
        if let row = rows.first { return (rows, row.int8(row.column("matches")) ?? 0) }
        if link.page == 0 { return (rows, 0) }
        let matches = try await runner.query(
            "SELECT count(*) FROM (\(try walk(match, link)) LIMIT \(Self.walkedRows)) AS walked WHERE is_match",
            searching.parameters)
        return (rows, matches.first?.int8(0) ?? 0)
    }

    /// Walks the list in its order until the page and one more row are found.
    private func fullyWalkedPage(
        _ searching: ListStatement, _ match: String, _ link: PageLink, on runner: any StatementRunner
    ) async throws -> PostgresResult {
        let found = try order(of: link, column: "sort_key", id: "found_id")
        let range = searching.range(of: link, more: 1)
        return try await runner.query(
            """
            WITH found AS (
                SELECT * FROM (\(try walk(match, link)) OFFSET 0) AS walked WHERE is_match \(range.text))
            SELECT \(shape.columns) FROM \(shape.source) JOIN found ON found_id = \(shape.id)\(filter) ORDER BY \(found)
            """, searching.parameters + range.parameters)
    }

    /// The ids of the list in its order, with what decides about it, and whether they match.
    private func walk(_ match: String, _ link: PageLink) throws(EntityError) -> String {
        let sortKey = try sortColumn(of: link).map { ", \($0) AS sort_key" } ?? ""
        return """
            SELECT \(shape.id) AS found_id\(sortKey), coalesce(\(match), false) AS is_match
            FROM \(shape.source)\(filter) ORDER BY \(try order(of: link))
            """
    }
}
