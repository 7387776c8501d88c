import JSON
import Messages

/// Where an originator is, and the area that it is or is not in, as a configuration says (`rule-engine.md` 3.3).
struct Geofence: Sendable {
    private enum Source: Sendable {
        case fixed(Perimeter)
        case polygonInMetadata(String)
        case circleInMetadata(String)
        /// Under the names of before there was one to choose.
        case metadata
    }

    private let latitude: String
    private let longitude: String
    private let source: Source

    init(_ fields: inout NodeConfiguration) throws(RuleNodeConfigurationError) {
        latitude = try fields.string("latitudeKeyName") ?? ""
        longitude = try fields.string("longitudeKeyName") ?? ""
        let type = try fields.string("perimeterType") ?? ""
        let isInMetadata = try fields.bool("fetchPerimeterInfoFromMessageMetadata", default: false)
        let key = try fields.string("perimeterKeyName") ?? ""
        let polygon = try fields.string("polygonsDefinition") ?? ""
        let center = GeoPoint(
            latitude: try fields.double("centerLatitude") ?? .nan,
            longitude: try fields.double("centerLongitude") ?? .nan)
        let range = try fields.double("range") ?? .nan
        let unit = try fields.string("rangeUnit") ?? ""
        if isInMetadata, key.isEmpty {
            source = .metadata
            return
        }
        do throws(RuleNodeError) {
            switch (type, isInMetadata) {
            case ("POLYGON", true): source = .polygonInMetadata(key)
            case ("CIRCLE", true): source = .circleInMetadata(key)
            case ("POLYGON", false): source = .fixed(try Perimeter(polygon: polygon))
            case ("CIRCLE", false):
                guard center.latitude.isFinite, center.longitude.isFinite, range.isFinite else {
                    throw RuleNodeError("A circle needs a center and a range")
                }
                source = .fixed(try Perimeter(center: center, range: range, unit: unit))
            default: throw RuleNodeError("Unsupported perimeter type: \(type)!")
            }
        } catch {
            throw RuleNodeConfigurationError(error.message)
        }
    }

    /// Whether the place that a message has lies inside.
    func contains(_ message: RuleMessage) throws(RuleNodeError) -> Bool {
        guard let data = message.payload.object else {
            throw RuleNodeError("Incoming Message is not a valid JSON object!")
        }
        let point = GeoPoint(
            latitude: try coordinate(latitude, data, message), longitude: try coordinate(longitude, data, message))
        return try perimeter(message).contains(point)
    }

    private func coordinate(
        _ key: String, _ data: JSONObject, _ message: RuleMessage
    ) throws(RuleNodeError) -> Double {
        if let value = data[key], value.arrayValue == nil, value.objectValue == nil, !value.isNull {
            guard let number = value.doubleValue ?? value.stringValue.flatMap(Double.init) else {
                throw RuleNodeError("\(key) is no number")
            }
            return number
        }
        guard let text = message.metadata[key], !text.isEmpty else {
            throw RuleNodeError("Incoming Message has no \(key) in data or metadata!")
        }
        guard let number = Double(text) else { throw RuleNodeError("\(key) is no number") }
        return number
    }

    private func perimeter(_ message: RuleMessage) throws(RuleNodeError) -> Perimeter {
        func text(_ key: String) -> String? { message.metadata[key].flatMap { $0.isEmpty ? nil : $0 } }
        switch source {
        case .fixed(let perimeter): return perimeter
        case .polygonInMetadata(let key):
            if let given = text(key) { return try Perimeter(polygon: given) }
        case .circleInMetadata(let key):
            if let given = text(key) { return try Perimeter(circle: given) }
        case .metadata:
            if let given = text("perimeter") { return try Perimeter(polygon: given) }
            if let latitude = text("centerLatitude") {
                guard let latitude = Double(latitude), let longitude = text("centerLongitude").flatMap(Double.init),
                    let range = text("range").flatMap(Double.init)
                else { throw RuleNodeError("Perimeter is no circle") }
                return try Perimeter(
                    center: GeoPoint(latitude: latitude, longitude: longitude), range: range,
                    unit: text("rangeUnit") ?? "")
            }
        }
        throw RuleNodeError("Missing perimeter definition!")
    }
}

/// "gps geofencing filter" (`rule-engine.md` 3.2): whether a place lies in an area.
final class GeofencingFilterNode: RuleNode {
    static let type = "org.thingsboard.rule.engine.geo.TbGpsGeofencingFilterNode"
    static let order: NodeOrder = .free

    private let fence: Geofence

    init(configuration: JSONValue, context: RuleNodeContext) throws(RuleNodeConfigurationError) {
        var fields = try NodeConfiguration(configuration)
        fence = try Geofence(&fields)
        try fields.end()
    }

    func process(_ message: RuleMessage, _ context: RuleNodeContext) -> NodeOutcome {
        do throws(RuleNodeError) {
            return .next(message, .of(try fence.contains(message)))
        } catch {
            return .failure(message, error.message)
        }
    }
}
