internal import Cache
internal import Model
internal import Storage

/// What transports need to know of devices, in the cache that all core nodes share (`cluster.md` 6.3).
///
/// Credentials name their device, a device names its credentials and its profile, and the profile is an entry of its own; so a
/// change evicts one entry, by the id of what changed. Who is found is believed only when its present credentials are those
/// that were asked for.
struct SharedDeviceCache: Sendable {
    let store: any CacheStore

    /// What is known of credentials; `nil` when the database has to be asked.
    func device(credentialsID: String) async -> DeviceLookupResult? {
        guard case .value(let id) = await store.read(.deviceCredentials, credentialsID),
            let device = UUID128(String(decoding: id, as: UTF8.self)),
            case .value(let text) = await store.read(.devices, device.description),
            let found = DeviceRecordText(text), found.credentialsID == credentialsID,
            case .value(let profileText) = await store.read(.deviceProfiles, found.profileID.uuid.description),
            let profile = TransportProfile(text: profileText, id: found.profileID)
        else { return nil }
        return found.result(profile: profile)
    }

    /// Keeps what the database said.
    func fill(_ found: DeviceLookupResult, credentialsID: String) async {
        let device = found.deviceID.uuid.description
        await store.fill(
            .deviceProfiles, found.profile.id.uuid.description, found.profile.text, version: 0)
        await store.fill(.devices, device, DeviceRecordText.text(of: found, credentialsID: credentialsID), version: 0)
        // Credentials may have belonged to another device.
        await store.write(.deviceCredentials, credentialsID, Array(device.utf8), version: 0)
    }

    func evict(_ device: DeviceID) async {
        await store.evict(.devices, device.uuid.description)
    }

    func evict(_ profile: DeviceProfileID) async {
        await store.evict(.deviceProfiles, profile.uuid.description)
    }
}
