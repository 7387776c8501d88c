import Model
import Postgres

/// Key names and their numbers in table `key_dictionary` (`persistence.md` 6.3). Owned by one writer thread.
///
/// An open-addressing table over the bytes of the names, so that a row costs one look-up and no string.
struct KeyDictionary {
    private struct Slot {
        var hash: UInt64 = 0
        var offset = 0
        var length = -1
        var number: Int32 = 0
    }

    private var slots = [Slot](repeating: Slot(), count: 256)
    private var count = 0
    private var names: [UInt8] = []
    /// Beyond this the table starts anew: names come from devices, so their number has no bound of its own.
    private static let maximumCount = 1_000_000

    /// The number of the key, from memory, or from the database, which makes one if it has none. Blocks then.
    mutating func number(
        of key: UnsafeRawBufferPointer, on connection: PostgresConnection
    ) throws(PostgresError) -> Int32 {
        let hash = Self.hash(key)
        if let number = lookup(key, hash: hash) { return number }
        let number = try Self.fetch(String(decoding: key, as: UTF8.self), on: connection)
        insert(key, hash: hash, number: number)
        return number
    }

    private static func hash(_ key: UnsafeRawBufferPointer) -> UInt64 {
        var hash: UInt64 = 0xCBF2_9CE4_8422_2325
        for byte in key { hash = (hash ^ UInt64(byte)) &* 0x100_0000_01B3 }
        return hash ^ hash >> 29
    }

    private func lookup(_ key: UnsafeRawBufferPointer, hash: UInt64) -> Int32? {
        let mask = slots.count - 1
        var index = Int(truncatingIfNeeded: hash) & mask
        while slots[index].length >= 0 {
            let slot = slots[index]
            if slot.hash == hash, slot.length == key.count {
                let isEqual = names.withUnsafeBytes { names in
                    key.elementsEqual(names[slot.offset..<slot.offset + slot.length])
                }
                if isEqual { return slot.number }
            }
            index = (index + 1) & mask
        }
        return nil
    }

    private mutating func insert(_ key: UnsafeRawBufferPointer, hash: UInt64, number: Int32) {
        if count >= Self.maximumCount { self = KeyDictionary() }
        if count * 2 >= slots.count { grow() }
        let slot = Slot(hash: hash, offset: names.count, length: key.count, number: number)
        names.append(contentsOf: key)
        place(slot)
        count += 1
    }

    private mutating func place(_ slot: Slot) {
        let mask = slots.count - 1
        var index = Int(truncatingIfNeeded: slot.hash) & mask
        while slots[index].length >= 0 { index = (index + 1) & mask }
        slots[index] = slot
    }

    private mutating func grow() {
        let old = slots
        slots = [Slot](repeating: Slot(), count: old.count * 2)
        for slot in old where slot.length >= 0 { place(slot) }
    }

    /// Selects first, because a conflicting insert would burn a number.
    private static func fetch(_ name: String, on connection: PostgresConnection) throws(PostgresError) -> Int32 {
        let select = "SELECT key_id FROM key_dictionary WHERE key = $1"
        let insert = "INSERT INTO key_dictionary (key) VALUES ($1) ON CONFLICT (key) DO NOTHING RETURNING key_id"
        for statement in [select, insert, select] {
            let result = try connection.query(statement, [.text(name)])
            if result.rowCount > 0, let number = result[0].int4(0) { return number }
        }
        throw PostgresError(message: "key dictionary row vanished between insert and select")
    }
}
