/// A key of a map and its value, as loops over maps see them.
final class EntryObject {
    let key: Value
    let value: Value

    init(key: Value, value: Value) {
        self.key = key
        self.value = value
    }
}

/// A moment that can be moved.
final class DateObject {
    /// Milliseconds since 1970.
    var time: Int64

    init(_ time: Int64) { self.time = time }
}

/// Java's generator of numbers that look random: 48 bits, the same numbers from the same seed.
final class RandomObject {
    private var state: UInt64
    private static let factor: UInt64 = 0x5_DEEC_E66D
    private static let mask: UInt64 = (1 << 48) - 1

    init(seed: Int64) {
        state = (UInt64(bitPattern: seed) ^ RandomObject.factor) & RandomObject.mask
    }

    private func next(_ bits: Int) -> Int32 {
        state = (state &* RandomObject.factor &+ 0xB) & RandomObject.mask
        return Int32(truncatingIfNeeded: state >> UInt64(48 - bits))
    }

    func nextInt() -> Int32 { next(32) }

    /// From 0 to just below `bound`, which is positive.
    func nextInt(below bound: Int32) -> Int32 {
        var bits = next(31)
        if bound & (bound - 1) == 0 { return Int32(truncatingIfNeeded: (Int64(bound) * Int64(bits)) >> 31) }
        var value = bits % bound
        while bits - value &+ (bound - 1) < 0 {
            bits = next(31)
            value = bits % bound
        }
        return value
    }

    func nextLong() -> Int64 { Int64(next(32)) << 32 &+ Int64(next(32)) }
    func nextBool() -> Bool { next(1) != 0 }
    func nextFloat() -> Float { Float(next(24)) / Float(1 << 24) }

    func nextDouble() -> Double {
        let high = Int64(next(26)) << 27
        return Double(high + Int64(next(27))) * 0x1p-53
    }
}
