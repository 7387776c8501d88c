/// What the OpenAPI document says of an endpoint beside method, path, and roles (`OpenAPIDocument` makes it).
///
/// Path parameters come from the pattern: names that end in `Id` are ids, `{entityType}` is an entity type. What every
/// endpoint may answer (400, 401, 403, 404, ...) is added by itself.
struct EndpointDocs: Sendable {
    var summary: String
    var query: [QueryParameter] = []
    /// The body that is expected; `nil` for none.
    var body: SchemaReference?
    /// The body of the answer 200.
    var answer: SchemaReference = .anything
}

/// A parameter of the query.
struct QueryParameter: Sendable {
    enum Kind: Sendable {
        case text, integer, boolean, uuid
        /// Texts, repeated or joined by commas.
        case list
        case uuids
        case choice([String])
    }

    var name: String
    var kind: Kind
    var isRequired: Bool

    static func text(_ name: String) -> QueryParameter { QueryParameter(name: name, kind: .text, isRequired: false) }
    static func integer(_ name: String) -> QueryParameter {
        QueryParameter(name: name, kind: .integer, isRequired: false)
    }
    static func boolean(_ name: String) -> QueryParameter {
        QueryParameter(name: name, kind: .boolean, isRequired: false)
    }
    static func uuid(_ name: String) -> QueryParameter { QueryParameter(name: name, kind: .uuid, isRequired: false) }
    static func list(_ name: String) -> QueryParameter { QueryParameter(name: name, kind: .list, isRequired: false) }
    static func uuids(_ name: String) -> QueryParameter { QueryParameter(name: name, kind: .uuids, isRequired: false) }
    static func choice(_ name: String, _ choices: [String]) -> QueryParameter {
        QueryParameter(name: name, kind: .choice(choices), isRequired: false)
    }

    /// The same parameter, without which the request is refused.
    var required: QueryParameter { QueryParameter(name: name, kind: kind, isRequired: true) }
}

extension [QueryParameter] {
    /// `rest-api.md` 2.6.
    static let page: [QueryParameter] = [
        .integer("pageSize").required, .integer("page").required, .text("textSearch"), .text("sortProperty"),
        .choice("sortOrder", ["ASC", "DESC"]),
    ]
    /// `rest-api.md` 2.7.
    static let timePage: [QueryParameter] = page + [.integer("startTime"), .integer("endTime")]
    /// `rest-api.md` 2.9.
    static let nameConflict: [QueryParameter] = [
        .choice("nameConflictPolicy", ["FAIL", "UNIQUIFY"]), .text("uniquifySeparator"),
        .choice("uniquifyStrategy", ["RANDOM", "INCREMENTAL"]),
    ]
}

/// The shape of a body. A name stands for a schema of `OpenAPISchemas`, or for any object when there is none of it.
enum SchemaReference: Sendable, ExpressibleByStringLiteral {
    case named(String)
    /// A page of them, with totals.
    case page(String)
    case list(String)
    /// Plain text.
    case text
    case nothing
    /// JSON of any shape.
    case anything
    /// Bytes of that media type.
    case bytes(String)
    /// A part of `multipart/form-data` called `file`, with further parts.
    case form

    init(stringLiteral name: String) { self = .named(name) }
}
