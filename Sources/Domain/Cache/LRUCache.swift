/// A map that keeps at most a number of entries and forgets those unused for longest. Not safe across threads by itself.
///
/// Entries form a doubly linked list in an array, newest first; every operation is O(1).
public struct LRUCache<Key: Hashable, Value> {
    private struct Node {
        var key: Key
        var value: Value
        var newer: Int
        var older: Int
    }

    private static var none: Int { -1 }

    public let capacity: Int
    private var nodes: [Node] = []
    private var free: [Int] = []
    private var indices: [Key: Int] = [:]
    private var newest = -1
    private var oldest = -1

    public init(capacity: Int) {
        precondition(capacity > 0, "a cache of \(capacity) entries")
        self.capacity = capacity
    }

    public var count: Int { indices.count }

    /// The value of a key, which counts as used.
    public mutating func value(for key: Key) -> Value? {
        guard let index = indices[key] else { return nil }
        unlink(index)
        linkAsNewest(index)
        return nodes[index].value
    }

    public mutating func insert(_ value: Value, for key: Key) {
        if let index = indices[key] {
            nodes[index].value = value
            unlink(index)
            linkAsNewest(index)
            return
        }
        if indices.count >= capacity { removeOldest() }
        let node = Node(key: key, value: value, newer: Self.none, older: Self.none)
        let index: Int
        if let reused = free.popLast() {
            nodes[reused] = node
            index = reused
        } else {
            nodes.append(node)
            index = nodes.count - 1
        }
        indices[key] = index
        linkAsNewest(index)
    }

    @discardableResult
    public mutating func remove(_ key: Key) -> Value? {
        guard let index = indices.removeValue(forKey: key) else { return nil }
        unlink(index)
        free.append(index)
        return nodes[index].value
    }

    public mutating func removeAll() {
        self = LRUCache(capacity: capacity)
    }

    /// Removes every entry that fulfils `condition`. Linear in the number of entries.
    public mutating func removeAll(where condition: (Key, Value) -> Bool) {
        let keys = indices.compactMap { condition($0.key, nodes[$0.value].value) ? $0.key : nil }
        for key in keys { remove(key) }
    }

    private mutating func removeOldest() {
        guard oldest != Self.none else { return }
        remove(nodes[oldest].key)
    }

    private mutating func unlink(_ index: Int) {
        let node = nodes[index]
        if node.newer != Self.none { nodes[node.newer].older = node.older } else { newest = node.older }
        if node.older != Self.none { nodes[node.older].newer = node.newer } else { oldest = node.newer }
    }

    private mutating func linkAsNewest(_ index: Int) {
        nodes[index].newer = Self.none
        nodes[index].older = newest
        if newest != Self.none { nodes[newest].newer = index }
        newest = index
        if oldest == Self.none { oldest = index }
    }
}
