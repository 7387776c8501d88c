/// Elements by the slot of time in which they are due. Adding, and looking for those that are due now, cost nothing beyond
/// the elements themselves.
struct DueCalendar<Element> {
    private var elements: [Int64: [Element]] = [:]
    private var cursor: Int64

    /// - Parameter slot: Now.
    init(slot: Int64) {
        cursor = slot
    }

    var isEmpty: Bool { elements.isEmpty }

    /// - Returns: The slot in which the element comes up: `slot`, or the next one when that is over.
    mutating func insert(_ element: Element, slot: Int64) -> Int64 {
        let slot = max(slot, cursor + 1)
        elements[slot, default: []].append(element)
        return slot
    }

    /// Takes out what is due until `slot`, in order, with the slot in which each came up.
    mutating func take(until slot: Int64) -> [(slot: Int64, element: Element)] {
        guard slot > cursor else { return [] }
        let from = cursor + 1
        cursor = slot
        // A clock that was set far ahead must not be followed slot by slot.
        let due = slot - from < 86_400 ? Array(from...slot) : elements.keys.filter { $0 <= slot }.sorted()
        var taken: [(slot: Int64, element: Element)] = []
        for due in due {
            guard let found = elements.removeValue(forKey: due) else { continue }
            for element in found { taken.append((due, element)) }
        }
        return taken
    }
}
