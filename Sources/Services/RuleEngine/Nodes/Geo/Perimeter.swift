import Glibc
import JSON
import Messages

/// A place on the Earth, in degrees.
struct GeoPoint: Equatable, Sendable {
    var latitude: Double
    var longitude: Double

    /// Kilometres, of the Earth's mean radius.
    private static let radius = 6_371.008_771_4

    /// Along a great circle, in kilometres.
    func distance(to other: GeoPoint) -> Double {
        let (a, b) = (latitude * .pi / 180, other.latitude * .pi / 180)
        let (vertical, horizontal) = (sin((b - a) / 2), sin((other.longitude - longitude) * .pi / 360))
        let h = vertical * vertical + cos(a) * cos(b) * horizontal * horizontal
        return 2 * Self.radius * asin(min(1, h.squareRoot()))
    }
}

/// An area (`rule-engine.md` 3.3).
enum Perimeter: Sendable {
    /// Rings: what an even number of them is around lies outside.
    case polygon([[GeoPoint]])
    /// Kilometres.
    case circle(GeoPoint, radius: Double)

    func contains(_ point: GeoPoint) -> Bool {
        switch self {
        case .circle(let center, let radius): radius > center.distance(to: point)
        case .polygon(let rings): rings.count { Self.isInside(point, $0) } % 2 == 1
        }
    }

    private static func isInside(_ point: GeoPoint, _ ring: [GeoPoint]) -> Bool {
        var inside = false
        var before = ring[ring.count - 1]
        for corner in ring {
            if (corner.latitude > point.latitude) != (before.latitude > point.latitude) {
                let share = (point.latitude - corner.latitude) / (before.latitude - corner.latitude)
                if point.longitude < corner.longitude + share * (before.longitude - corner.longitude) {
                    inside.toggle()
                }
            }
            before = corner
        }
        return inside
    }

    // MARK: - Reading

    /// How many of a unit a kilometre has.
    static let units: [String: Double] = [
        "METER": 1_000, "KILOMETER": 1, "FOOT": 3_280.84, "MILE": 0.62137, "NAUTICAL_MILE": 0.539957,
    ]

    /// Corners that one definition may have.
    private static let maximumCorners = 10_000

    /// - Parameter text: `[[lat,lon],…]`, or a list of such lists.
    init(polygon text: String) throws(RuleNodeError) {
        let wrong = RuleNodeError("Perimeter is no polygon: \(text.prefix(200))")
        guard let json = try? JSONValue.parse(text), let list = json.arrayValue, !list.isEmpty else { throw wrong }
        // A ring's first element is a corner, whose first element is a number.
        let rings = list[0].arrayValue?.first?.arrayValue == nil ? [json] : list
        var corners: [[GeoPoint]] = []
        for ring in rings {
            var points: [GeoPoint] = []
            for corner in ring.arrayValue ?? [] {
                guard let latitude = corner[0]?.doubleValue, let longitude = corner[1]?.doubleValue else { throw wrong }
                points.append(GeoPoint(latitude: latitude, longitude: longitude))
            }
            if points.count > 1, points.first == points.last { points.removeLast() }
            if points.count == 2 {
                let (a, b) = (points[0], points[1])
                points = [
                    a, GeoPoint(latitude: a.latitude, longitude: b.longitude), b,
                    GeoPoint(latitude: b.latitude, longitude: a.longitude),
                ]
            }
            guard points.count > 2 else { throw wrong }
            corners.append(points)
        }
        guard corners.reduce(0, { $0 + $1.count }) <= Self.maximumCorners else { throw wrong }
        self = .polygon(corners)
    }

    init(center: GeoPoint, range: Double, unit: String) throws(RuleNodeError) {
        guard let perKilometre = Self.units[unit] else { throw RuleNodeError("Unknown unit of a range: \(unit)") }
        self = .circle(center, radius: range / perKilometre)
    }

    /// - Parameter text: `{"latitude", "longitude", "radius", "radiusUnit"}`.
    init(circle text: String) throws(RuleNodeError) {
        guard let json = try? JSONValue.parse(text), let latitude = json["latitude"]?.doubleValue,
            let longitude = json["longitude"]?.doubleValue, let radius = json["radius"]?.doubleValue
        else { throw RuleNodeError("Perimeter is no circle: \(text.prefix(200))") }
        try self.init(
            center: GeoPoint(latitude: latitude, longitude: longitude), range: radius,
            unit: json["radiusUnit"]?.stringValue ?? "METER")
    }
}
