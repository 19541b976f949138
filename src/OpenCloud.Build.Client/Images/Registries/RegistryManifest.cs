using OpenCloud.Build.Client.Images.Oci;

namespace OpenCloud.Build.Client.Images.Registries;

/// <summary>An index or manifest of a registry. The bytes have the descriptor's digest.</summary>
internal sealed record RegistryManifest(OciDescriptor Descriptor, byte[] Bytes);
