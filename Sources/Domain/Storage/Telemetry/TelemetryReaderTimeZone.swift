internal import Postgres

/// Time zones as clients write them, in the form that the database understands.
enum TimeZoneName {
    /// Ids of three letters that clients still send, and what they mean.
    private static let legacy = ["EST": "-05:00", "MST": "-07:00", "HST": "-10:00", "ROC": "Asia/Taipei"]

    /// The zone for `AT TIME ZONE`. Offsets (`+02:00`, `GMT+2`, `UTC-05:30`) become POSIX zones, whose sign is the
    /// other way round; everything else is taken for an IANA name.
    static func postgres(_ name: String) -> String {
        let name = legacy[name] ?? name
        if name == "Z" { return "UTC" }
        guard let offset = offset(name) else { return isName(name) ? name : "UTC" }
        let hours = padded(abs(offset) / 60)
        let minutes = padded(abs(offset) % 60)
        return "<\(offset < 0 ? "-" : "+")\(hours)\(minutes)>\(offset < 0 ? "+" : "-")\(hours):\(minutes)"
    }

    /// Whether the database said that it does not know the zone.
    static func isUnknownZone(_ error: any Error) -> Bool {
        EntityError.postgresError(error)?.sqlState == "22023"
    }

    private static func padded(_ number: Int) -> String { number < 10 ? "0\(number)" : "\(number)" }

    /// Minutes east of UTC when `name` is an offset.
    private static func offset(_ name: String) -> Int? {
        var rest = Substring(name)
        for prefix in ["UTC", "GMT", "UT"] where rest.hasPrefix(prefix) {
            rest = rest.dropFirst(prefix.count)
            break
        }
        guard let sign = rest.first, sign == "+" || sign == "-" else { return nil }
        let digits = rest.dropFirst()
        let parts = digits.split(separator: ":", omittingEmptySubsequences: false)
        let hours: Int?
        var minutes: Int? = 0
        if parts.count >= 2 {
            hours = Int(parts[0])
            minutes = Int(parts[1])
        } else if digits.count == 4 {
            hours = Int(digits.prefix(2))
            minutes = Int(digits.suffix(2))
        } else {
            hours = Int(digits)
        }
        guard let hours, let minutes, (0...18).contains(hours), (0..<60).contains(minutes) else { return nil }
        return (sign == "-" ? -1 : 1) * (hours * 60 + minutes)
    }

    /// Whether `name` has only characters of IANA names, so that the database does not read a rule out of it.
    private static func isName(_ name: String) -> Bool {
        guard let first = name.utf8.first, first | 0x20 >= 0x61, first | 0x20 <= 0x7A else { return false }
        return name.utf8.count <= 64
            && name.unicodeScalars.allSatisfy {
                $0.isASCII
                    && ($0.properties.isAlphabetic || ("0"..."9").contains($0) || "/_+-".unicodeScalars.contains($0))
            }
    }
}
