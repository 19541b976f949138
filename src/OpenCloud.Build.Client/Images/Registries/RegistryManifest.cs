using OpenCloud.Build.Client.Images.Oci;

namespace OpenCloud.Build.Client.Images.Registries;

/// <summary>An index or manifest as a registry has it: its descriptor and its bytes, which have that digest.</summary>
internal sealed record RegistryManifest(OciDescriptor Descriptor, byte[] Bytes);
