public import Model

/// MurmurHash3, the 128-bit variant for x64, with seed 0. Not for secrets: it spreads keys over partitions, the same way
/// in every process and release (`cluster.md` 4.3).
public struct Murmur3: Hashable, Sendable {
    public let first: UInt64
    public let second: UInt64

    private static let c1: UInt64 = 0x87C3_7B91_1142_53D5
    private static let c2: UInt64 = 0x4CF5_AD43_2745_937F

    /// The hash of the 16 bytes of `uuid`: its upper half as a little-endian integer, then its lower half.
    @inlinable
    public init(_ uuid: UUID128) {
        self.init(block: (uuid.high, uuid.low))
    }

    /// The hash of the UTF-8 form of `text`.
    public init(_ text: String) {
        self.init(Array(text.utf8))
    }

    public init(_ bytes: [UInt8]) {
        var state = State()
        var start = 0
        while bytes.count - start >= 16 {
            state.mix(Self.word(bytes, from: start, count: 8), Self.word(bytes, from: start + 8, count: 8))
            start += 16
        }
        let rest = bytes.count - start
        state.mixTail(
            Self.word(bytes, from: start, count: min(8, rest)),
            Self.word(bytes, from: start + 8, count: max(0, rest - 8)))
        (first, second) = state.finish(length: bytes.count)
    }

    @usableFromInline
    init(block: (UInt64, UInt64)) {
        var state = State()
        state.mix(block.0, block.1)
        (first, second) = state.finish(length: 16)
    }

    /// The low half of the first word, as the reference platform takes a 32-bit hash from it.
    @inlinable public var hash32: Int32 { Int32(truncatingIfNeeded: first) }

    /// Up to eight bytes, the first one least significant.
    private static func word(_ bytes: [UInt8], from start: Int, count: Int) -> UInt64 {
        var word: UInt64 = 0
        for index in 0..<count { word |= UInt64(bytes[start + index]) << UInt64(8 * index) }
        return word
    }

    private struct State {
        var h1: UInt64 = 0
        var h2: UInt64 = 0

        mutating func mix(_ k1: UInt64, _ k2: UInt64) {
            h1 ^= rotate(k1 &* c1, 31) &* c2
            h1 = (rotate(h1, 27) &+ h2) &* 5 &+ 0x52DC_E729
            h2 ^= rotate(k2 &* c2, 33) &* c1
            h2 = (rotate(h2, 31) &+ h1) &* 5 &+ 0x3849_5AB5
        }

        /// What is behind the last whole block, filled up with zeros; zero words change nothing.
        mutating func mixTail(_ k1: UInt64, _ k2: UInt64) {
            h1 ^= rotate(k1 &* c1, 31) &* c2
            h2 ^= rotate(k2 &* c2, 33) &* c1
        }

        consuming func finish(length: Int) -> (UInt64, UInt64) {
            h1 ^= UInt64(length)
            h2 ^= UInt64(length)
            h1 &+= h2
            h2 &+= h1
            h1 = avalanche(h1)
            h2 = avalanche(h2)
            h1 &+= h2
            h2 &+= h1
            return (h1, h2)
        }

        private func rotate(_ word: UInt64, _ bits: UInt64) -> UInt64 {
            word << bits | word >> (64 - bits)
        }

        private func avalanche(_ word: UInt64) -> UInt64 {
            var word = word
            word = (word ^ word >> 33) &* 0xFF51_AFD7_ED55_8CCD
            word = (word ^ word >> 33) &* 0xC4CE_B9FE_1A85_EC53
            return word ^ word >> 33
        }
    }
}
