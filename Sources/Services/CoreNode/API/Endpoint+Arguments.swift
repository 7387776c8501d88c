internal import HTTPServer

/// Faults of a request that are told before anything about rights or things that are not there: parameters that are not of
/// their type, and bodies that are no JSON (`rest-api.md` 2.11).
extension Endpoint {
    /// Refuses parameters that are no numbers or truth values where such are expected.
    func checkQuery(of call: Call) throws(APIError) {
        if call.query.names.isEmpty { return }
        for parameter in documentation?.query ?? [] {
            switch parameter.kind {
            case .integer: _ = try call.integer(parameter.name)
            case .boolean: _ = try call.boolean(parameter.name)
            case .text, .uuid, .list, .uuids, .choice: break
            }
        }
    }

    /// Refuses a body that cannot be read, where one is expected that has a schema.
    func checkBody(of call: Call) throws(APIError) {
        guard case .named = documentation?.body, errors == .object, !call.request.body.isEmpty else { return }
        _ = try call.json()
    }
}
