/// What an event loop watches, by slot.
///
/// A slot is reused with the next generation, so that whoever still names its former owner (an event of the same batch,
/// a ``ConnectionID`` kept elsewhere) is recognised as stale. Owned by its loop.
struct SlotTable {
    enum Entry {
        case free
        case connection(Connection)
        case listener(Listener)
        case registration(DescriptorRegistration)
    }

    private struct Slot {
        var entry: Entry
        var generation: UInt32
    }

    private var slots: ContiguousArray<Slot> = []
    private var freeSlots: ContiguousArray<UInt32> = []

    /// Reserves a slot; it stays free until ``set(_:at:)``.
    mutating func reserve() -> ConnectionID {
        if let slot = freeSlots.popLast() {
            return ConnectionID(slot: slot, generation: slots[Int(slot)].generation)
        }
        slots.append(Slot(entry: .free, generation: 1))
        return ConnectionID(slot: UInt32(slots.count - 1), generation: 1)
    }

    mutating func set(_ entry: Entry, at id: ConnectionID) {
        precondition(slots[Int(id.slot)].generation == id.generation, "slot \(id) is not reserved")
        slots[Int(id.slot)].entry = entry
    }

    /// Frees a slot; its id is stale from here on.
    mutating func release(_ id: ConnectionID) {
        precondition(slots[Int(id.slot)].generation == id.generation, "slot \(id) was released before")
        slots[Int(id.slot)] = Slot(entry: .free, generation: id.generation &+ 1)
        freeSlots.append(id.slot)
    }

    /// The owner of `id`; ``Entry/free`` when it is stale.
    @inline(__always)
    func entry(of id: ConnectionID) -> Entry {
        let index = Int(id.slot)
        guard index < slots.count, slots[index].generation == id.generation else { return .free }
        return slots[index].entry
    }

    /// All owners, in the order of their slots.
    var occupied: [Entry] {
        slots.compactMap { slot in
            if case .free = slot.entry { nil } else { slot.entry }
        }
    }
}

/// Names one connection of one loop; never reused.
public struct ConnectionID: Hashable, Sendable, CustomStringConvertible {
    public let slot: UInt32
    public let generation: UInt32

    public init(slot: UInt32, generation: UInt32) {
        self.slot = slot
        self.generation = generation
    }

    /// As the kernel carries it with an event.
    var eventData: UInt64 { UInt64(generation) << 32 | UInt64(slot) }

    init(eventData: UInt64) {
        self.init(slot: UInt32(truncatingIfNeeded: eventData), generation: UInt32(truncatingIfNeeded: eventData >> 32))
    }

    public var description: String { "\(slot).\(generation)" }
}
