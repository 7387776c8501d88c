import Glibc
import JSON

/// Whether places are inside of areas, given as JSON texts as the geofencing nodes have them (`rule-engine.md` 3.3).
enum Geography {
    private static let earthRadius = 6371.0087714

    static func isInsideCircle(_ arguments: [Value], _ machine: Machine) throws(TBELError) -> Bool {
        let (latitude, longitude) = (try arguments[0].doubleArgument(), try arguments[1].doubleArgument())
        let area = try json(arguments[2], machine)
        guard let centerLatitude = number(area["latitude"]), let centerLongitude = number(area["longitude"]),
            let radius = number(area["radius"])
        else { throw .runtime("A circle needs latitude, longitude and radius") }
        let unitName = area["radiusUnit"]?.stringValue ?? "METER"
        guard let unit = units[unitName] else { throw .runtime("No enum constant RangeUnit.\(unitName.prefix(50))") }
        return radius > distance(latitude, longitude, centerLatitude, centerLongitude) * unit
    }

    /// How many of a unit are a kilometre.
    private static let units = [
        "METER": 1000.0, "KILOMETER": 1, "FOOT": 3280.84, "MILE": 0.62137, "NAUTICAL_MILE": 0.539957,
    ]

    /// Along a great circle, in kilometres.
    private static func distance(
        _ latitudeA: Double, _ longitudeA: Double, _ latitudeB: Double, _ longitudeB: Double
    ) -> Double {
        let radians = Double.pi / 180
        let latitudes = sin((latitudeB - latitudeA) * radians / 2)
        let longitudes = sin((longitudeB - longitudeA) * radians / 2)
        let h = latitudes * latitudes + cos(latitudeA * radians) * cos(latitudeB * radians) * longitudes * longitudes
        return 2 * earthRadius * asin(min(1, h.squareRoot()))
    }

    private static func json(_ value: Value, _ machine: Machine) throws(TBELError) -> JSONValue {
        let text = try value.textArgument(machine)
        try machine.steps(text.utf8.count / 8)
        do {
            return try JSONValue.parse(text, maximumDepth: 20)
        } catch {
            throw .runtime("The area is no JSON: \(error)")
        }
    }

    private static func number(_ json: JSONValue?) -> Double? {
        json.flatMap { $0.doubleValue ?? $0.stringValue.flatMap { JavaNumber.double($0) } }
    }

    // MARK: Polygons

    private struct Point: Equatable {
        var x: Double
        var y: Double
    }

    /// Inside of any polygon, and not inside of one that lies in another: that is a hole. An edge is not inside.
    static func isInsidePolygon(_ arguments: [Value], _ machine: Machine) throws(TBELError) -> Bool {
        let point = Point(x: try arguments[0].doubleArgument(), y: try arguments[1].doubleArgument())
        if JavaText.isBlank(try arguments[2].textArgument(machine)) {
            throw .runtime("Polygon string can't be empty or null!")
        }
        var polygons: [[Point]] = []
        try collect(try json(arguments[2], machine), &polygons)
        let corners = polygons.reduce(0) { $0 + $1.count }
        try machine.steps(corners * polygons.count / 4)
        guard !polygons.isEmpty, polygons.count <= 1_000 else {
            throw .runtime("The perimeter has no polygon, or too many")
        }
        let holes = polygons.indices.filter { inner in
            polygons.indices.contains { outer in
                inner != outer && polygons[inner] != polygons[outer]
                    && polygons[inner].allSatisfy { side(of: $0, polygons[outer]) != .outside }
            }
        }
        let isInside = polygons.indices.contains { !holes.contains($0) && side(of: point, polygons[$0]) == .inside }
        return isInside && !holes.contains { side(of: point, polygons[$0]) != .outside }
    }

    /// Lists of pairs of numbers, however deep in other lists. Two corners are a rectangle.
    private static func collect(_ json: JSONValue, _ polygons: inout [[Point]]) throws(TBELError) {
        guard let elements = json.arrayValue else { throw .runtime("A perimeter is a list of corners") }
        let points = elements.compactMap { element -> Point? in
            guard let x = element[0]?.doubleValue, let y = element[1]?.doubleValue else { return nil }
            return Point(x: x, y: y)
        }
        guard points.count == elements.count else {
            for element in elements { try collect(element, &polygons) }
            return
        }
        if points.count == 2 {
            polygons.append([
                points[0], Point(x: points[0].x, y: points[1].y), points[1], Point(x: points[1].x, y: points[0].y),
            ])
        } else if points.count >= 3 {
            polygons.append(points)
        }
    }

    private enum Side { case inside, edge, outside }

    private static func side(of point: Point, _ polygon: [Point]) -> Side {
        var isInside = false
        var previous = polygon[polygon.count - 1]
        for corner in polygon {
            let cross =
                (point.x - previous.x) * (corner.y - previous.y) - (point.y - previous.y) * (corner.x - previous.x)
            if cross == 0, min(previous.x, corner.x) <= point.x, point.x <= max(previous.x, corner.x),
                min(previous.y, corner.y) <= point.y, point.y <= max(previous.y, corner.y)
            {
                return .edge
            }
            if (corner.y > point.y) != (previous.y > point.y),
                point.x < (previous.x - corner.x) * (point.y - corner.y) / (previous.y - corner.y) + corner.x
            {
                isInside.toggle()
            }
            previous = corner
        }
        return isInside ? .inside : .outside
    }
}
