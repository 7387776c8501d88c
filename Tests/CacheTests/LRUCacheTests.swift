import Testing

@testable import Cache

@Suite struct LRUCacheTests {
    @Test func forgetsWhatWasUnusedForLongest() {
        var cache = LRUCache<String, Int>(capacity: 2)
        cache.insert(1, for: "a")
        cache.insert(2, for: "b")
        #expect(cache.value(for: "a") == 1)
        cache.insert(3, for: "c")
        #expect(cache.value(for: "b") == nil)
        #expect(cache.value(for: "a") == 1)
        #expect(cache.value(for: "c") == 3)
        #expect(cache.count == 2)
    }

    @Test func agreesWithANaiveModel() {
        var cache = LRUCache<Int, Int>(capacity: 8)
        var model: [(key: Int, value: Int)] = []
        var generator = SystemRandomNumberGenerator()
        for step in 0..<20_000 {
            let key = Int.random(in: 0..<16, using: &generator)
            switch Int.random(in: 0..<4, using: &generator) {
            case 0, 1:
                cache.insert(step, for: key)
                model.removeAll { $0.key == key }
                model.append((key, step))
                if model.count > 8 { model.removeFirst() }
            case 2:
                let found = model.firstIndex { $0.key == key }
                #expect(cache.value(for: key) == found.map { model[$0].value })
                if let found { model.append(model.remove(at: found)) }
            default:
                cache.remove(key)
                model.removeAll { $0.key == key }
            }
            #expect(cache.count == model.count)
        }
    }

    @Test func removesByCondition() {
        var cache = LRUCache<Int, Int>(capacity: 10)
        for key in 0..<10 { cache.insert(key, for: key) }
        cache.removeAll { key, _ in key % 2 == 0 }
        #expect(cache.count == 5)
        #expect(cache.value(for: 4) == nil)
        #expect(cache.value(for: 5) == 5)
    }
}
