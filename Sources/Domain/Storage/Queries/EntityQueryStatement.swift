internal import Model
internal import Postgres

/// Puts the SQL of an entity query together: which entities, in which order. Values that a user sent are parameters.
///
/// Only what filters, order and search need is joined; what is told of the entities is read for the page alone
/// (``EntityQueryRepository``).
struct EntityQueryStatement {
    private(set) var parameters: [PostgresParameter] = []
    private let query: EntityQuery
    /// Numbers of attributes and series by name; absent ones are unknown to the platform.
    private let keys: [String: Int32]
    private var joins: [EntityKey: String] = [:]
    private var joinClauses: [String] = []
    private var withClause = ""
    private var tenant = ""
    private var customer: String?

    init(_ query: EntityQuery, keys: [String: Int32]) {
        self.query = query
        self.keys = keys
    }

    /// The keys that decide about the page, whose numbers are needed.
    static func neededKeys(of query: EntityQuery) -> [String] {
        var needed = query.keyFilters.map(\.key)
        if let sort = query.sort { needed.append(sort.key) }
        if query.textSearch != nil { needed += query.fields }
        return needed.filter { $0.kind != .field }.map(\.name)
    }

    mutating func bind(_ parameter: PostgresParameter) -> String {
        parameters.append(parameter)
        return "$\(parameters.count)"
    }

    // MARK: - The whole

    /// `WITH ... SELECT id, entity_type, fields FROM ... ORDER BY ... LIMIT ... OFFSET ...`
    ///
    /// - Parameter fields: Names of entity fields to be selected behind id and type.
    mutating func page(fields: [String], _ link: PageLink) -> String {
        let source = source()
        let conditions = conditions()
        let order = order()
        let columns = fields.map { ", " + (EntitySource.field($0) ?? "NULL") }.joined()
        let limit = bind(.int8(Int64(link.pageSize)))
        let offset = bind(.int8(link.offset))
        return """
            \(withClause)SELECT e.id, e.entity_type\(columns) FROM (\(source)) e\(joinClauses.joined())\(conditions)
            ORDER BY \(order) LIMIT \(limit) OFFSET \(offset)
            """
    }

    mutating func count() -> String {
        let source = source()
        let conditions = conditions()
        return "\(withClause)SELECT count(*) FROM (\(source)) e\(joinClauses.joined())\(conditions)"
    }

    /// The entities as a subquery of a larger statement, with `id` and `entity_type`; parameters are numbered from the
    /// beginning.
    mutating func subquery() -> (with: String, select: String) {
        let source = source()
        let conditions = conditions()
        return (withClause, "SELECT e.id, e.entity_type FROM (\(source)) e\(joinClauses.joined())\(conditions)")
    }

    // MARK: - Entities

    private mutating func source() -> String {
        switch query.scope {
        case .system: tenant = EntitySource.allTenants
        case .tenant(let id): tenant = bind(.id(id))
        case .customer(let id, let own):
            tenant = bind(.id(id))
            customer = bind(.id(own))
        }
        switch query.filter {
        case .list(let type, let ids):
            let list = bind(.ids(ids))
            return select(type, "t.id = ANY(\(list))")
        case .name(let type, let name): return select(type, nameCondition(type, name))
        case .type(let type): return select(type, "")
        case .subtypes(let type, let subtypes, let name):
            var conditions: [String] = []
            if !subtypes.isEmpty { conditions.append("t.type = ANY(\(bind(.textArray(subtypes))))") }
            if !name.isEmpty { conditions.append(nameCondition(type, name)) }
            return select(type, conditions.joined(separator: " AND "))
        case .usageState(let id):
            let owner = bind(.id(id?.uuid ?? query.scope.tenant.uuid))
            return select(.apiUsageState, "t.entity_id = \(owner)")
        case .related(let search): return related(search)
        }
    }

    private func select(_ type: EntityType, _ condition: String) -> String {
        EntitySource.select(type, where: condition, tenant: tenant, customer: customer)
    }

    /// A prefix; with a `%` in it the user's own pattern.
    private mutating func nameCondition(_ type: EntityType, _ name: String) -> String {
        if name.isEmpty { return "" }
        let pattern = name.contains("%") ? name : ListStatement.escaped(name) + "%"
        return "\(EntitySource.name(of: type)) ILIKE \(bind(.text(pattern.withoutNull)))"
    }

    // MARK: - Relations

    private mutating func related(_ search: RelatedSearch) -> String {
        let (from, to) = search.isFrom ? ("from", "to") : ("to", "from")
        let roots = bind(.ids(search.roots.map(\.uuid)))
        let type = bind(.text(search.roots.first?.type.name ?? ""))
        let level = bind(.int4(Int32(search.maximumLevel)))
        withClause = """
            WITH RECURSIVE related (id, type, relation, level) AS (
                SELECT r.\(to)_id, r.\(to)_type::text, r.relation_type::text, 1 FROM relation r
                WHERE r.\(from)_id = ANY(\(roots)) AND r.\(from)_type = \(type) AND r.relation_type_group = 'COMMON'
                UNION
                SELECT r.\(to)_id, r.\(to)_type::text, r.relation_type::text, p.level + 1
                FROM relation r JOIN related p ON r.\(from)_id = p.id AND r.\(from)_type = p.type
                WHERE p.level < \(level) AND r.relation_type_group = 'COMMON'
            )
            """ + " "
        var conditions: [String] = []
        if search.onlyLastLevel {
            conditions.append(
                """
                (x.level = \(level) OR NOT EXISTS (SELECT 1 FROM relation n WHERE n.\(from)_id = x.id
                    AND n.\(from)_type = x.type AND n.relation_type_group = 'COMMON'))
                """)
        }
        let steps = search.steps.map { step -> String in condition(of: step) }
        if !steps.isEmpty { conditions.append("(" + steps.joined(separator: " OR ") + ")") }
        let filter = conditions.map { " AND " + $0 }.joined()
        let types = Self.types(of: search)
        let subtypes = search.subtypes.isEmpty ? nil : bind(.textArray(search.subtypes))
        let selects = types.map { type in
            var condition = "t.id IN (SELECT x.id FROM related x WHERE x.type = '\(type.name)'\(filter))"
            if let subtypes { condition += " AND t.type = ANY(\(subtypes))" }
            return select(type, condition)
        }
        return selects.joined(separator: " UNION ALL ")
    }

    private mutating func condition(of step: RelatedSearch.Step) -> String {
        var parts: [String] = []
        if let relation = step.relationType {
            parts.append("x.relation \(step.isNegated ? "<>" : "=") \(bind(.text(relation.withoutNull)))")
        }
        if !step.entityTypes.isEmpty { parts.append("x.type = ANY(\(bind(.textArray(step.entityTypes.map(\.name)))))") }
        return parts.isEmpty ? "true" : "(" + parts.joined(separator: " AND ") + ")"
    }

    /// Types that the steps leave possible.
    private static func types(of search: RelatedSearch) -> [EntityType] {
        if search.steps.isEmpty || search.steps.contains(where: { $0.entityTypes.isEmpty }) {
            return EntitySource.related
        }
        let wanted = Set(search.steps.flatMap(\.entityTypes))
        let known = EntityType.allCases.filter { wanted.contains($0) && EntitySource.knows($0) }
        return known.isEmpty ? [.device] : known
    }

    // MARK: - Conditions

    private mutating func conditions() -> String {
        var conditions: [String] = []
        var filters: [String] = []
        for filter in query.keyFilters {
            if let condition = condition(filter.predicate, of: filter.key) { filters.append(condition) }
        }
        if !filters.isEmpty {
            let joined = filters.joined(separator: query.isAnyKeyFilterEnough ? " OR " : " AND ")
            conditions.append("(\(joined))")
        }
        if let text = query.textSearch, !text.isEmpty, !query.fields.isEmpty {
            let pattern = bind(.text("%" + ListStatement.escaped(text) + "%"))
            let parts = query.fields.map { "\(self.text(of: $0)) ILIKE \(pattern)" }
            conditions.append("(" + parts.joined(separator: " OR ") + ")")
        }
        return conditions.isEmpty ? "" : " WHERE " + conditions.joined(separator: " AND ")
    }

    /// `nil`: no condition.
    private mutating func condition(_ predicate: KeyPredicate, of key: EntityKey) -> String? {
        switch predicate {
        case .all(let parts): return joined(parts, key, " AND ")
        case .any(let parts): return joined(parts, key, " OR ")
        case .text(let operation, let value, let ignoresCase):
            if value.isEmpty { return nil }
            return textCondition(operation, value, ignoresCase, textColumn(of: key))
        case .number(let operation, let value):
            let number = bind(.double(value))
            return "\(numberColumn(of: key)) \(Self.sign(operation)) \(number)"
        case .boolean(let isEqual, let value):
            guard let alias = alias(of: key) else { return "false" }
            return "\(alias).bool_v \(isEqual ? "=" : "<>") \(bind(.boolean(value)))"
        }
    }

    private mutating func joined(_ parts: [KeyPredicate], _ key: EntityKey, _ separator: String) -> String? {
        var conditions: [String] = []
        for part in parts { if let condition = condition(part, of: key) { conditions.append(condition) } }
        return conditions.isEmpty ? nil : "(" + conditions.joined(separator: separator) + ")"
    }

    private static func sign(_ operation: KeyPredicate.NumberOperation) -> String {
        switch operation {
        case .equal: "="
        case .notEqual: "<>"
        case .greater: ">"
        case .less: "<"
        case .greaterOrEqual: ">="
        case .lessOrEqual: "<="
        }
    }

    private mutating func textCondition(
        _ operation: KeyPredicate.TextOperation, _ value: String, _ ignoresCase: Bool, _ column: String
    ) -> String {
        let value = (ignoresCase ? value.lowercased() : value).withoutNull
        let column = ignoresCase ? "lower(\(column))" : column
        let escaped = ListStatement.escaped(value)
        switch operation {
        case .equal: return "\(column) = \(bind(.text(value)))"
        case .notEqual: return "\(column) <> \(bind(.text(value)))"
        case .startsWith: return "\(column) LIKE \(bind(.text(escaped + "%")))"
        case .endsWith: return "\(column) LIKE \(bind(.text("%" + escaped)))"
        case .contains: return "\(column) LIKE \(bind(.text("%" + escaped + "%")))"
        case .notContains: return "\(column) NOT LIKE \(bind(.text("%" + escaped + "%")))"
        case .isIn, .isNotIn:
            let list = value.split(separator: ",").map { String($0.trimmed) }
            let elements = bind(.textArray(list))
            return operation == .isIn ? "\(column) = ANY(\(elements))" : "\(column) <> ALL(\(elements))"
        }
    }

    // MARK: - Columns

    /// The text that a textual predicate looks at; NULL for what is no text.
    private mutating func textColumn(of key: EntityKey) -> String {
        if key.kind == .field { return EntitySource.field(key.name) ?? "''" }
        return alias(of: key).map { "\($0).str_v" } ?? "NULL::text"
    }

    private mutating func numberColumn(of key: EntityKey) -> String {
        if key.kind == .field { return key.name == "createdTime" ? "e.created_time::float8" : "NULL::float8" }
        return alias(of: key).map { "COALESCE(\($0).dbl_v, \($0).long_v::float8)" } ?? "NULL::float8"
    }

    /// Any value as text.
    private mutating func text(of key: EntityKey) -> String {
        if key.kind == .field { return EntitySource.field(key.name) ?? "''" }
        guard let alias = alias(of: key) else { return "NULL::text" }
        return """
            COALESCE(\(alias).str_v, \(alias).long_v::text, \(alias).dbl_v::text, \(alias).bool_v::text, \
            \(alias).json_v::text)
            """
    }

    /// The joined table that holds the key's values; `nil` for a key that the platform has never seen.
    private mutating func alias(of key: EntityKey) -> String? {
        if key.kind == .field { return nil }
        guard let number = keys[key.name] else { return nil }
        if let alias = joins[key] { return alias }
        let alias = "k\(joins.count)"
        joins[key] = alias
        let parameter = bind(.int4(number))
        switch key.kind {
        case .timeSeries:
            joinClauses.append(
                " LEFT JOIN ts_kv_latest \(alias) ON \(alias).entity_id = e.id AND \(alias).key = \(parameter)")
        case .attribute:
            joinClauses.append(
                """
                 LEFT JOIN LATERAL (SELECT * FROM attribute_kv a WHERE a.entity_id = e.id
                AND a.attribute_key = \(parameter) ORDER BY \(Self.attributeOrder) LIMIT 1) \(alias) ON true
                """)
        case .clientAttribute, .sharedAttribute, .serverAttribute, .field:
            let scope = bind(.int4(key.kind.scope?.rawValue ?? 0))
            joinClauses.append(
                """
                 LEFT JOIN attribute_kv \(alias) ON \(alias).entity_id = e.id
                AND \(alias).attribute_type = \(scope) AND \(alias).attribute_key = \(parameter)
                """)
        }
        return alias
    }

    /// Client, shared, server.
    static let attributeOrder = "CASE a.attribute_type WHEN 1 THEN 0 WHEN 3 THEN 1 ELSE 2 END"

    // MARK: - Order

    private mutating func order() -> String {
        guard let sort = query.sort else { return "e.created_time, e.id" }
        let direction = sort.descending ? "DESC" : "ASC"
        var columns: [String]
        if sort.key.kind == .field {
            columns = [sort.key.name == "createdTime" ? "e.created_time" : EntitySource.field(sort.key.name) ?? "e.id"]
        } else if let alias = alias(of: sort.key) {
            columns = [
                "COALESCE(\(alias).dbl_v, \(alias).long_v::float8)", "\(alias).str_v", "\(alias).bool_v",
            ]
        } else {
            columns = []
        }
        columns = columns.map { "\($0) \(direction) NULLS LAST" } + ["e.id \(direction)"]
        return columns.joined(separator: ", ")
    }
}

extension String {
    fileprivate var withoutNull: String {
        utf8.contains(0) ? String(unicodeScalars.filter { $0 != "\0" }) : self
    }
}

extension Substring {
    fileprivate var trimmed: Substring {
        let start = drop { $0 == " " }
        guard let last = start.lastIndex(where: { $0 != " " }) else { return "" }
        return start[...last]
    }
}
