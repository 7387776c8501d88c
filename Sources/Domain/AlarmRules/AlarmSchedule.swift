public import JSON
internal import TimeZones

/// When a rule is in force (`rule-engine.md` 7.1). Alarm rules of device profiles and those of calculated fields both use
/// this.
public enum AlarmSchedule: Sendable, Equatable {
    case anyTime
    /// The same hours on some days of the week: from 1, which is Monday, to 7.
    case specificTime(zone: String, days: Set<Int>, Hours)
    /// Hours by day of the week; a day without any is not in force.
    case custom(zone: String, [Int: Hours])

    /// Part of a day, in milliseconds since it began.
    public struct Hours: Sendable, Equatable {
        public var start: Int64
        /// Before ``start`` when the part goes on until the day ends and has begun with it.
        public var end: Int64

        /// - Parameter end: 0 for the end of the day.
        public init(start: Int64, end: Int64) {
            self.start = start
            self.end = end == 0 ? 86_400_000 : end
        }

        func contains(_ time: Int64) -> Bool {
            start <= end ? time >= start && time < end : time > start || (time > 0 && time < end)
        }
    }

    /// Reads a schedule; one that names no type is told by its members, and an empty one is any time.
    public init(_ json: JSONValue) throws(AlarmRuleError) {
        guard let object = json.objectValue else { throw AlarmRuleError("A schedule is no object") }
        func has(_ key: String) -> Bool { !(object[key]?.isNull ?? true) }
        let type =
            object["type"]?.stringValue
            ?? (has("daysOfWeek") ? "SPECIFIC_TIME" : has("items") ? "CUSTOM" : object.isEmpty ? "ANY_TIME" : "")
        let zone = object["timezone"]?.stringValue ?? ""
        switch type {
        case "ANY_TIME": self = .anyTime
        case "SPECIFIC_TIME":
            let days = (object["daysOfWeek"]?.arrayValue ?? []).compactMap {
                $0.integerValue.flatMap { Int(exactly: $0) }
            }
            self = .specificTime(zone: zone, days: Set(days), Self.hours(object))
        case "CUSTOM":
            var hours: [Int: Hours] = [:]
            var seen: Set<Int> = []
            for item in object["items"]?.arrayValue ?? [] {
                // The first one of a day counts.
                guard let day = item["dayOfWeek"]?.integerValue.flatMap({ Int(exactly: $0) }),
                    seen.insert(day).inserted,
                    let object = item.objectValue, object["enabled"]?.boolValue ?? false
                else { continue }
                hours[day] = Self.hours(object)
            }
            self = .custom(zone: zone, hours)
        case let type: throw AlarmRuleError("Unknown type of a schedule: \(type)")
        }
    }

    private static func hours(_ object: JSONObject) -> Hours {
        Hours(start: object["startsOn"]?.integerValue ?? 0, end: object["endsOn"]?.integerValue ?? 0)
    }

    /// Whether a rule is in force at a moment, milliseconds since 1970.
    ///
    /// - Throws: When the time zone is none.
    public func isActive(at time: Int64) throws(AlarmRuleError) -> Bool {
        switch self {
        case .anyTime: return true
        case .specificTime(let zone, let days, let hours):
            let local = try Self.zone(zone).local(time)
            guard days.count == 7 || days.contains(local.weekday) else { return false }
            return hours.contains(local.millisecondsOfDay)
        case .custom(let zone, let hours):
            let local = try Self.zone(zone).local(time)
            return hours[local.weekday]?.contains(local.millisecondsOfDay) ?? false
        }
    }

    private static func zone(_ name: String) throws(AlarmRuleError) -> TimeZone {
        do {
            return try TimeZone(name)
        } catch {
            throw AlarmRuleError(error.message)
        }
    }
}
