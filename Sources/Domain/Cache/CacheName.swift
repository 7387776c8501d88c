/// A cache of the platform (`cluster.md` 6.3). Its name begins its keys in a shared store.
public enum CacheName: String, Sendable, CaseIterable {
    /// By credentials id: whose they are.
    case deviceCredentials
    /// By device: what a transport needs to know of it.
    case devices
    /// By profile: what a transport needs to know of it.
    case deviceProfiles
    /// By device: its sessions, for the next owner of the device.
    case sessions

    /// The part of its settings' names: `CACHE_SPECS_<this>_TTL`.
    var settingsName: String {
        switch self {
        case .deviceCredentials: "DEVICE_CREDENTIALS"
        case .devices: "DEVICES"
        case .deviceProfiles: "DEVICE_PROFILES"
        case .sessions: "SESSIONS"
        }
    }
}
