/// Elements by the second in which they are due. Adding, and looking for those that are due now, cost nothing beyond the
/// elements themselves.
struct DueCalendar<Element> {
    private var days: [Int64: [Element]] = [:]
    private var cursor: Int64

    /// - Parameter second: Now.
    init(second: Int64) {
        cursor = second
    }

    var isEmpty: Bool { days.isEmpty }

    /// - Returns: The second in which the element comes up: `second`, or the next one when that is over.
    mutating func insert(_ element: Element, second: Int64) -> Int64 {
        let second = max(second, cursor + 1)
        days[second, default: []].append(element)
        return second
    }

    /// Takes out what is due until `second`, in order.
    mutating func advance(to second: Int64, _ body: (Int64, Element) -> Void) {
        guard second > cursor else { return }
        let from = cursor + 1
        cursor = second
        // A clock that was set far ahead must not be followed second by second.
        let seconds = second - from < 86_400 ? Array(from...second) : days.keys.filter { $0 <= second }.sorted()
        for due in seconds {
            guard let elements = days.removeValue(forKey: due) else { continue }
            for element in elements { body(due, element) }
        }
    }
}
