internal import Postgres

/// A text that is looked for in a list: the list's statement with the parameters of the search, and what a row has to fulfil.
struct ListSearch {
    let list: ListStatement
    /// The same with the parameters of the search.
    private(set) var statement: ListStatement
    let pattern: SearchPattern
    /// Whether a row's own text matches.
    private(set) var own = ""
    /// The part of ``own`` that is about `search_text`.
    private var indexed = ""
    /// Whether a row refers to something whose name matches.
    private(set) var related: [String] = []

    var match: String { "(" + ([own] + related).joined(separator: " OR ") + ")" }

    /// The same, about: an index of the text alone can tell.
    var sampledMatch: String { "(" + ([indexed] + related).joined(separator: " OR ") + ")" }

    /// ``match`` for a planner that should not count on few matches, nor on an index for them.
    var opaqueMatch: String { "CASE WHEN \(match) THEN 1 ELSE 0 END > 0" }

    /// Finds the profiles and customers whose names match.
    init(_ text: String, in list: ListStatement, on runner: any StatementRunner) async throws {
        self.list = list
        statement = list
        pattern = SearchPattern(text)
        own = condition()
        let tenant = list.parameters.first
        for related in list.shape.searchedThrough {
            guard let tenant else { preconditionFailure("a search through relatives without their tenant") }
            let ids = try await runner.query(related.found, [tenant, .text(pattern.text)]).compactMap { $0.id(0) }
            if ids.isEmpty { continue }
            self.related.append(
                "\(related.condition)".replacing("$?", with: statement.add(.ids(ids))))
        }
    }

    /// Adds a parameter; returns its place.
    mutating func add(_ parameter: PostgresParameter) -> String { statement.add(parameter) }

    private mutating func condition() -> String {
        if let table = list.shape.indexed, pattern.isPlain {
            // In a subquery of its own it is brought to small letters once.
            let place = statement.add(.text(String(pattern.text.dropFirst().dropLast())))
            indexed = "strpos(\(table).search_text, (SELECT lower(\(place)::text) COLLATE \"C\")) > 0"
            return indexed
        }
        let place = statement.add(.text(pattern.text))
        let columns = "(" + list.shape.searched.map { "\($0) ILIKE \(place)" }.joined(separator: " OR ") + ")"
        guard let table = list.shape.indexed else { return columns }
        indexed = "\(table).search_text LIKE (SELECT lower(\(place)::text) COLLATE \"C\")"
        return "\(indexed) AND \(columns)"
    }

    // MARK: - Keys

    /// Characters in a row that a key stands for, at most (`SearchKeys`).
    private static let keyLength = 3
    /// Keys of a part of the text that are looked at, spread over it.
    private static let keysOfPart = 8
    private static let mostParts = 4

    /// Selects pieces of the text, as `gram`, and the `key` of each; adds a parameter.
    ///
    /// - Returns: `nil` for a text without any character that stands for itself.
    mutating func keys() -> String? {
        let parts = pattern.parts.sorted { $0.utf8.count > $1.utf8.count }.prefix(Self.mostParts)
        if parts.isEmpty { return nil }
        return """
            SELECT gram, hashtextextended(gram, uuid_hash_extended($1, 0)) AS key FROM (
                SELECT DISTINCT substr(low, 1 + n * (length(low) - size) / greatest(1, places - 1), size) COLLATE "C" AS gram
                FROM unnest(\(statement.add(.textArray(Array(parts))))::text[]) AS part,
                    LATERAL (SELECT lower(part) AS low) AS l,
                    LATERAL (SELECT least(\(Self.keyLength), length(low)) AS size) AS s,
                    LATERAL (SELECT least(\(Self.keysOfPart), length(low) - size + 1) AS places) AS p,
                    generate_series(0, places - 1) AS n) AS grams
            """
    }

    /// What finds the matches, one condition each: by `keys`, an array, where there are some.
    func selections(keys: String?) -> [String] {
        guard let table = list.shape.indexed, let keys else { return [match] }
        return ["search_keys(\(table).tenant_id, \(table).search_text) @> \(keys) AND \(own)"] + related
    }
}
