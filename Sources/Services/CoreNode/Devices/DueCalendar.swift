/// Elements by the second in which they are due. Adding, and looking for those that are due now, cost nothing beyond the
/// elements themselves.
struct DueCalendar<Element> {
    private var elements: [Int64: [Element]] = [:]
    private var cursor: Int64

    /// - Parameter second: Now.
    init(second: Int64) {
        cursor = second
    }

    var isEmpty: Bool { elements.isEmpty }

    /// - Returns: The second in which the element comes up: `second`, or the next one when that is over.
    mutating func insert(_ element: Element, second: Int64) -> Int64 {
        let second = max(second, cursor + 1)
        elements[second, default: []].append(element)
        return second
    }

    /// Takes out what is due until `second`, in order, with the second in which each came up.
    mutating func take(until second: Int64) -> [(second: Int64, element: Element)] {
        guard second > cursor else { return [] }
        let from = cursor + 1
        cursor = second
        // A clock that was set far ahead must not be followed second by second.
        let due = second - from < 86_400 ? Array(from...second) : elements.keys.filter { $0 <= second }.sorted()
        var taken: [(second: Int64, element: Element)] = []
        for due in due {
            guard let found = elements.removeValue(forKey: due) else { continue }
            for element in found { taken.append((due, element)) }
        }
        return taken
    }
}
