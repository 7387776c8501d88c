/// A path pattern in Ant style: `?` is one character, `*` any number of them inside one segment, `**` any number of
/// segments.
public struct AntPattern: Sendable, CustomStringConvertible {
    private enum Segment: Sendable {
        case anySegments
        case pattern([UInt8])
    }

    public let description: String
    private let segments: [Segment]

    public init(_ pattern: String) {
        description = pattern
        segments = AntPattern.split([UInt8](pattern.utf8)[...]).map { part in
            part.elementsEqual("**".utf8) ? .anySegments : .pattern(Array(part))
        }
    }

    /// Whether the raw path matches. Slashes at the ends and doubled ones do not count.
    public func matches(_ path: String) -> Bool {
        matches([UInt8](path.utf8)[...])
    }

    func matches(_ path: ArraySlice<UInt8>) -> Bool {
        match(segments[...], AntPattern.split(path)[...])
    }

    private static func split(_ path: ArraySlice<UInt8>) -> [ArraySlice<UInt8>] {
        path.split(separator: UInt8(ascii: "/"))
    }

    private func match(_ pattern: ArraySlice<Segment>, _ path: ArraySlice<ArraySlice<UInt8>>) -> Bool {
        var pattern = pattern
        var path = path
        while let first = pattern.first {
            pattern = pattern.dropFirst()
            switch first {
            case .anySegments:
                if pattern.isEmpty { return true }
                return (path.startIndex...path.endIndex).contains { match(pattern, path[$0...]) }
            case .pattern(let wanted):
                guard let segment = path.first, AntPattern.match(wanted[...], segment) else { return false }
                path = path.dropFirst()
            }
        }
        return path.isEmpty
    }

    /// Matches inside one segment: at a mismatch behind a star, the star takes one byte more.
    private static func match(_ pattern: ArraySlice<UInt8>, _ text: ArraySlice<UInt8>) -> Bool {
        var p = pattern.startIndex
        var t = text.startIndex
        var retry: (pattern: Int, text: Int)?
        while t < text.endIndex {
            if p < pattern.endIndex, pattern[p] == UInt8(ascii: "*") {
                retry = (p + 1, t)
                p += 1
            } else if p < pattern.endIndex, pattern[p] == UInt8(ascii: "?") || pattern[p] == text[t] {
                p += 1
                t += 1
            } else if let star = retry {
                retry = (star.pattern, star.text + 1)
                p = star.pattern
                t = star.text + 1
            } else {
                return false
            }
        }
        return pattern[p...].allSatisfy { $0 == UInt8(ascii: "*") }
    }
}
