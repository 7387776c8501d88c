internal import HTTPServer
internal import JSON
internal import Model
internal import Storage

/// One request on its way through an endpoint, with typed access to what was sent.
struct Call: Sendable {
    let request: HTTPRequest
    let path: PathParameters
    let query: HTTPQuery
    /// Milliseconds since 1970, the same for all that the request does.
    let now: Int64

    init(_ request: HTTPRequest, _ path: PathParameters, now: Int64) {
        self.request = request
        self.path = path
        query = request.query
        self.now = now
    }

    // MARK: - Path

    func id<ID: EntityIdentifier>(_ name: String) throws(APIError) -> ID { ID(try uuid(path[name])) }

    func uuid(_ text: String) throws(APIError) -> UUID128 {
        guard let uuid = UUID128(text) else {
            throw APIError(400, .badRequest, "Invalid UUID string: \(text)", isEarly: true)
        }
        return uuid
    }

    // MARK: - Query

    /// A parameter; an empty one counts as absent (`rest-api.md` 2.1).
    func text(_ name: String) -> String? {
        guard let value = query.first(name), !value.isEmpty else { return nil }
        return value
    }

    func requiredText(_ name: String) throws(APIError) -> String {
        guard let value = query.first(name) else { throw .missingParameter(name, "String") }
        return value
    }

    func uuid(query name: String) throws(APIError) -> UUID128? {
        guard let text = text(name) else { return nil }
        return try uuid(text)
    }

    func integer(_ name: String) throws(APIError) -> Int64? {
        guard let text = text(name) else { return nil }
        guard let value = Int64(text) else { throw .conversion(name, text, to: "long") }
        return value
    }

    func requiredInteger(_ name: String) throws(APIError) -> Int {
        guard let text = text(name) else { throw .missingParameter(name, "int") }
        guard let value = Int32(text) else { throw .conversion(name, text, to: "int") }
        return Int(value)
    }

    func boolean(_ name: String) throws(APIError) -> Bool? {
        guard let text = text(name) else { return nil }
        switch text.lowercased() {
        case "true", "1", "yes", "on": return true
        case "false", "0", "no", "off": return false
        default: throw .conversion(name, text, to: "boolean")
        }
    }

    /// A list, repeated or joined by commas (`rest-api.md` 2.8).
    func list(_ name: String) -> [String] {
        query.all(name).flatMap { $0.split(separator: ",").map(String.init) }
    }

    /// Refuses a call whose parameters are those of none of the forms that the endpoint has (`rest-api.md` 2.6, 2.11).
    func requireForm(_ forms: [String]...) throws(APIError) {
        if forms.contains(where: { $0.allSatisfy { query.first($0) != nil } }) { return }
        let conditions = forms.map { "\"\($0.joined(separator: ", "))\"" }.joined(separator: " OR ")
        var names: [String] = []
        for name in query.names where !names.contains(name) { names.append(name) }
        let given = names.map { "\($0)={\(query.all($0).joined(separator: ", "))}" }
        throw APIError(
            400, .badRequest,
            "Parameter conditions \(conditions) not met for actual request parameters: \(given.joined(separator: ", "))",
            isEarly: true)
    }

    func requiredIDs(_ name: String) throws(APIError) -> [UUID128] {
        guard query.first(name) != nil else { throw .missingParameter(name, "String[]") }
        let texts = list(name)
        if texts.isEmpty { throw .invalid("Parameter '\(name)' can't be empty!") }
        var ids: [UUID128] = []
        for text in texts { ids.append(try uuid(text)) }
        return ids
    }

    /// The page that the parameters of `rest-api.md` 2.6 ask for.
    ///
    /// - Parameter property: What a list is always sorted by, whatever the parameters say.
    func pageLink(sortedBy property: String? = nil) throws(APIError) -> PageLink {
        let pageSize = try requiredInteger("pageSize")
        let page = try requiredInteger("page")
        if pageSize <= 0 {
            throw .invalid("Incorrect page link page size '\(pageSize)'. Page size must be greater than zero.")
        }
        if page < 0 { throw .invalid("Incorrect page link page '\(page)'. Page must be positive integer.") }
        return PageLink(pageSize: pageSize, page: page, textSearch: text("textSearch"), sort: try sort(by: property))
    }

    private func sort(by fixed: String?) throws(APIError) -> PageLink.Sort? {
        guard let property = fixed ?? text("sortProperty") else { return nil }
        let isName = property.unicodeScalars.allSatisfy {
            $0.isASCII && ($0.properties.isAlphabetic || ("0"..."9").contains($0) || $0 == "_" || $0 == "-")
        }
        if !isName { throw .invalid("Invalid sort property") }
        switch text("sortOrder")?.uppercased() {
        case nil, "ASC": return PageLink.Sort(property: property, descending: false)
        case "DESC": return PageLink.Sort(property: property, descending: true)
        default:
            throw .invalid(
                "Unsupported sort order '\(text("sortOrder") ?? "")'! Only 'ASC' or 'DESC' types are allowed.")
        }
    }

    // MARK: - Body

    /// The body of an endpoint that takes any content type; one has to be there (`rest-api.md` 2.1, 2.11).
    func bytes() throws(APIError) -> [UInt8] {
        if request.body.isEmpty { throw missingBody }
        return request.body
    }

    private var missingBody: APIError {
        APIError(
            500, .general, "Required request body is missing: \(request.method) \(request.path)", isEarly: true)
    }

    /// The body of an endpoint that takes JSON objects (`rest-api.md` 2.11).
    func object() throws(APIError) -> RequestObject {
        guard case .object(let members) = try json() else { throw .malformedBody("an object is expected") }
        return RequestObject(members)
    }

    /// The body of an endpoint that takes JSON.
    func json() throws(APIError) -> JSONValue {
        if let type = request.fields["Content-Type"], !type.isEmpty, !Self.isJSON(type) {
            let full = type.lowercased().contains("charset") ? type : type + ";charset=UTF-8"
            throw APIError(500, .general, "Content-Type '\(full)' is not supported")
        }
        if request.body.isEmpty { throw missingBody }
        do throws(JSONError) {
            return try JSONValue.parse(request.body)
        } catch {
            throw .malformedBody("\(error)")
        }
    }

    private static func isJSON(_ type: String) -> Bool {
        let media = type.prefix { $0 != ";" }.lowercased().filter { $0 != " " }
        return media == "application/json" || media.hasSuffix("+json") || media == "*/*"
    }

    /// Whether the client lists JSON among what it takes.
    var acceptsJSON: Bool {
        request.fields["Accept"]?.lowercased().contains("application/json") ?? false
    }
}
