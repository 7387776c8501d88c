internal import JSON
internal import Model
internal import Storage
internal import Telemetry

/// An entity query as clients send it (`rest-api.md` 4.15).
struct EntityQueryRequest {
    private static let maximumParts = 1000
    private static let maximumIDs = 20_000
    private static let maximumDepth = 20

    let services: Services
    let principal: Principal

    var scope: EntityQueryScope {
        switch principal.authority {
        case .systemAdministrator: .system
        case .tenantAdministrator: .tenant(principal.tenantID)
        case .customerUser: .customer(principal.tenantID, principal.customerID)
        }
    }

    /// The query without fields and order: what counting needs.
    func count(_ body: RequestObject) async throws -> EntityQuery {
        guard let filter = try body.object("entityFilter") else {
            throw APIError.invalid("Query entity filter must be specified.")
        }
        var query = EntityQuery(scope: scope, filter: try self.filter(filter))
        query.keyFilters = try await keyFilters(body)
        query.isAnyKeyFilterEnough = try body.text("keyFiltersOperation") == "OR"
        return query
    }

    /// The whole query and the page that is wanted.
    func find(_ body: RequestObject) async throws -> (EntityQuery, PageLink) {
        var query = try await count(body)
        query.fields = try fields(body)
        guard let page = try body.object("pageLink") else {
            throw APIError.invalid("Entity Data Page link must be specified.")
        }
        let link = try Self.link(page)
        query.textSearch = link.textSearch
        if let sort = try page.object("sortOrder"), let key = try sort.object("key") {
            guard let key = try Self.key(key), Self.isSortable(key) else {
                throw APIError.invalid("Invalid entity data page link sort property")
            }
            query.sort = EntityQuery.Sort(key: key, descending: try Self.direction(sort, "ASC", "DESC") == "DESC")
        }
        return (query, link)
    }

    /// The member `direction`, which is one of two words or left out.
    private static func direction(
        _ object: RequestObject, _ one: String, _ other: String
    ) throws(APIError) -> String? {
        guard let direction = try object.text("direction")?.uppercased() else { return nil }
        guard direction == one || direction == other else {
            throw .malformedBody("\(one) or \(other) is expected in 'direction'")
        }
        return direction
    }

    /// Fields have names; keys of values may be anything that can be stored.
    private static func isSortable(_ key: EntityKey) -> Bool {
        guard key.kind == .field else { return !key.name.utf8.contains(0) }
        return key.name.allSatisfy { $0.isLetter || $0.isNumber || $0 == "_" || $0 == "-" }
    }

    static func link(_ page: RequestObject) throws(APIError) -> PageLink {
        let size = try page.integer("pageSize") ?? 10
        let number = try page.integer("page") ?? 0
        if size <= 0 {
            throw .invalid(
                "Incorrect entity data page link page size '\(size)'. Page size must be greater than zero.")
        }
        if number < 0 {
            throw .invalid("Incorrect entity data page link page '\(number)'. Page must be positive integer.")
        }
        let search = try page.storedText("textSearch")
        return PageLink(
            pageSize: Int(clamping: min(size, Int64(Int32.max))), page: Int(clamping: min(number, Int64(Int32.max))),
            textSearch: search?.isEmpty == false ? search : nil)
    }

    // MARK: - Keys

    /// Entity fields and latest values, each once.
    func fields(_ body: RequestObject) throws(APIError) -> [EntityKey] {
        var fields: [EntityKey] = []
        var seen: Set<EntityKey> = []
        for member in ["entityFields", "latestValues"] {
            for object in try Self.objects(member, of: body) {
                guard let key = try Self.key(object), seen.insert(key).inserted else { continue }
                fields.append(key)
            }
        }
        return fields
    }

    /// `nil` without a name.
    static func key(_ object: RequestObject) throws(APIError) -> EntityKey? {
        guard let name = try object.storedText("key"), !name.isEmpty else { return nil }
        let kind = try object.text("type") ?? EntityKey.Kind.field.rawValue
        guard let kind = EntityKey.Kind(rawValue: kind) else {
            throw .malformedBody("a type of key is expected instead of '\(kind)'")
        }
        return EntityKey(kind, name)
    }

    private static func objects(_ member: String, of body: RequestObject) throws(APIError) -> [RequestObject] {
        guard let value = body.value(member) else { return [] }
        guard let list = value.arrayValue else { throw .malformedBody("an array is expected in '\(member)'") }
        if list.count > maximumParts { throw .invalid("More than \(maximumParts) elements in '\(member)'") }
        var objects: [RequestObject] = []
        for element in list {
            guard let members = element.objectValue else { throw .malformedBody("objects are expected in '\(member)'") }
            objects.append(RequestObject(members))
        }
        return objects
    }

    // MARK: - Key filters

    func keyFilters(_ body: RequestObject) async throws -> [KeyFilter] {
        var filters: [KeyFilter] = []
        for object in try Self.objects("keyFilters", of: body) {
            guard let key = try object.object("key").flatMap({ try Self.key($0) }) else {
                throw APIError.invalid("Key filter key must be specified.")
            }
            guard let predicate = try object.object("predicate") else {
                throw APIError.invalid("Key filter predicate must be specified.")
            }
            if let predicate = try await self.predicate(predicate, depth: 0) {
                filters.append(KeyFilter(key: key, predicate: predicate))
            }
        }
        return filters
    }

    /// `nil`: no condition.
    private func predicate(_ object: RequestObject, depth: Int) async throws -> KeyPredicate? {
        if depth > Self.maximumDepth { throw APIError.invalid("Key filters are nested too deeply") }
        let operation = try object.text("operation") ?? ""
        func unknown() -> APIError { .malformedBody("unknown operation '\(operation)' of a predicate") }
        switch try object.text("type") {
        case "COMPLEX":
            var parts: [KeyPredicate] = []
            for part in try Self.objects("predicates", of: object) {
                if let part = try await predicate(part, depth: depth + 1) { parts.append(part) }
            }
            if parts.isEmpty { return nil }
            switch operation {
            case "AND": return .all(parts)
            case "OR": return .any(parts)
            default: throw unknown()
            }
        case "STRING":
            guard let known = KeyPredicate.TextOperation(rawValue: operation) else { throw unknown() }
            let value = try await value(object)
            let text = value?.stringValue ?? value?.serializedString ?? ""
            return .text(known, text, ignoresCase: try object.boolean("ignoreCase") ?? false)
        case "NUMERIC":
            guard let known = KeyPredicate.NumberOperation(rawValue: operation) else { throw unknown() }
            let value = try await value(object)
            guard let number = value?.doubleValue ?? value?.stringValue.flatMap({ Double($0) }) else { return nil }
            return .number(known, number)
        case "BOOLEAN":
            guard operation == "EQUAL" || operation == "NOT_EQUAL" else { throw unknown() }
            let value = try await value(object)
            guard let flag = value?.boolValue ?? value?.stringValue.map({ $0 == "true" }) else { return nil }
            return .boolean(isEqual: operation == "EQUAL", flag)
        case let other: throw APIError.malformedBody("unknown type '\(other ?? "")' of a predicate")
        }
    }

    /// What the user chose, else what an attribute says, else the default.
    private func value(_ predicate: RequestObject) async throws -> JSONValue? {
        guard let value = try predicate.object("value") else { return nil }
        if let chosen = value.value("userValue") { return chosen }
        if let dynamic = try value.object("dynamicValue"), let found = try await dynamicValue(dynamic) { return found }
        return value.value("defaultValue")
    }

    private func dynamicValue(_ object: RequestObject) async throws -> JSONValue? {
        guard let name = try object.storedText("sourceAttribute"), !name.isEmpty else { return nil }
        let all = [principal.userID.uuid, principal.customerID.uuid, principal.tenantID.uuid]
        let first: Int
        switch try object.text("sourceType") {
        case "CURRENT_USER": first = 0
        case "CURRENT_CUSTOMER": first = 1
        case "CURRENT_TENANT": first = 2
        default: return nil
        }
        let inherits = try object.boolean("inherit") ?? false
        for owner in all[first...(inherits ? 2 : first)] where owner != .null {
            let found = try await services.attributes.find(entity: owner, scope: .server, keys: [name])
            if let value = found.first?.value { return value.jsonValue }
        }
        return nil
    }

    // MARK: - Entities

    private func type(_ object: RequestObject, _ member: String = "entityType") throws(APIError) -> EntityType {
        guard let name = try object.text(member) else { throw .invalid("Entity type is required") }
        guard let type = EntityType(name: name) else { throw .malformedBody("unknown entity type '\(name)'") }
        guard EntityQueryScope.knows(type) else {
            throw .invalid("Queries for entities of type \(name) are not supported!")
        }
        return type
    }

    private func filter(_ object: RequestObject) throws(APIError) -> EntityFilter {
        guard let kind = try object.text("type") else {
            throw .invalid("Query entity filter type must be specified.")
        }
        switch kind {
        case "singleEntity": return try single(object)
        case "entityList": return .list(try type(object), try ids(object, "entityList"))
        case "entityName": return .name(try type(object), try object.storedText("entityNameFilter") ?? "")
        case "entityType": return .type(try type(object))
        case "assetType": return try subtypes(.asset, object, "asset")
        case "deviceType": return try subtypes(.device, object, "device")
        case "edgeType": return try subtypes(.edge, object, "edge")
        case "entityViewType": return try subtypes(.entityView, object, "entityView")
        case "apiUsageState": return .usageState(try object.id("customerId"))
        case "relationsQuery": return try relations(object)
        case "assetSearchQuery": return try search(.asset, object, "assetTypes")
        case "deviceSearchQuery": return try search(.device, object, "deviceTypes")
        case "entityViewSearchQuery": return try search(.entityView, object, "entityViewTypes")
        case "edgeSearchQuery": return try search(.edge, object, "edgeTypes")
        default: throw .malformedBody("unknown type '\(kind)' of an entity filter")
        }
    }

    private func single(_ object: RequestObject) throws(APIError) -> EntityFilter {
        guard let reference = try object.object("singleEntity") else { throw .invalid("Entity type is required") }
        let name = try reference.text("entityType") ?? ""
        switch name {
        case "CURRENT_TENANT": return .list(.tenant, [principal.tenantID.uuid])
        case "CURRENT_CUSTOMER": return .list(.customer, [principal.customerID.uuid])
        case "CURRENT_USER": return .list(.user, [principal.userID.uuid])
        case "CURRENT_USER_OWNER":
            return principal.authority == .customerUser
                ? .list(.customer, [principal.customerID.uuid]) : .list(.tenant, [principal.tenantID.uuid])
        default:
            let type = try type(reference)
            guard let id = try reference.text("id"), let uuid = UUID128(id) else {
                throw .malformedBody("Invalid UUID string: \(try reference.text("id") ?? "")")
            }
            return .list(type, [uuid])
        }
    }

    private func ids(_ object: RequestObject, _ member: String) throws(APIError) -> [UUID128] {
        guard let list = object.value(member)?.arrayValue else { return [] }
        if list.count > Self.maximumIDs { throw .invalid("More than \(Self.maximumIDs) ids in '\(member)'") }
        var ids: [UUID128] = []
        for element in list {
            guard let text = element.stringValue, let id = UUID128(text) else {
                throw .malformedBody("Invalid UUID string: \(element.stringValue ?? "")")
            }
            ids.append(id)
        }
        return ids
    }

    private func texts(_ object: RequestObject, _ member: String) throws(APIError) -> [String] {
        guard let list = object.value(member)?.arrayValue else { return [] }
        if list.count > Self.maximumParts { throw .invalid("More than \(Self.maximumParts) texts in '\(member)'") }
        return list.compactMap { $0.stringValue }
    }

    /// `<prefix>Types`, or the older `<prefix>Type`, and a beginning of the name.
    private func subtypes(
        _ type: EntityType, _ object: RequestObject, _ prefix: String
    ) throws(APIError) -> EntityFilter {
        var types = try texts(object, prefix + "Types")
        if types.isEmpty, let single = try object.storedText(prefix + "Type"), !single.isEmpty { types = [single] }
        return .subtypes(type, types, name: try object.storedText(prefix + "NameFilter") ?? "")
    }

    private func relations(_ object: RequestObject) throws(APIError) -> EntityFilter {
        var steps: [RelatedSearch.Step] = []
        for filter in try Self.objects("filters", of: object) {
            var types: [EntityType] = []
            for name in try texts(filter, "entityTypes") {
                guard let type = EntityType(name: name) else { throw .malformedBody("unknown entity type '\(name)'") }
                types.append(type)
            }
            let relation = try filter.storedText("relationType")
            steps.append(
                .init(
                    relationType: relation?.isEmpty == false ? relation : nil, entityTypes: types,
                    isNegated: try filter.boolean("negate") ?? false))
        }
        return .related(try self.search(object, steps: steps))
    }

    private func search(
        _ type: EntityType, _ object: RequestObject, _ member: String
    ) throws(APIError) -> EntityFilter {
        let relation = try object.storedText("relationType")
        return .related(
            try self.search(
                object,
                steps: [.init(relationType: relation?.isEmpty == false ? relation : nil, entityTypes: [type])],
                subtypes: try texts(object, member)))
    }

    private func search(
        _ object: RequestObject, steps: [RelatedSearch.Step], subtypes: [String] = []
    ) throws(APIError) -> RelatedSearch {
        RelatedSearch(
            roots: try roots(object), isFrom: try Self.direction(object, "FROM", "TO") != "TO",
            maximumLevel: Int(clamping: try object.integer("maxLevel") ?? 0),
            onlyLastLevel: try object.boolean("fetchLastLevelOnly") ?? false, steps: steps, subtypes: subtypes)
    }

    private func roots(_ object: RequestObject) throws(APIError) -> [EntityID] {
        if try object.boolean("multiRoot") ?? false {
            guard let name = try object.text("multiRootEntitiesType"), let type = EntityType(name: name) else {
                throw .invalid("Multi-root relation query filter should contain 'multiRootEntitiesType'")
            }
            let ids = try ids(object, "multiRootEntityIds")
            if ids.isEmpty {
                throw .invalid(
                    "Multi-root relation query filter should contain 'multiRootEntityIds' array that contains string "
                        + "representation of UUIDs")
            }
            return ids.map { EntityID(type: type, uuid: $0) }
        }
        guard let root = try object.entity("rootEntity") else {
            throw .invalid("Relation query filter root entity should not be blank")
        }
        return [root]
    }
}
