namespace OpenCloud.Build.Client.Containers;

/// <summary>A container as its host reports it.</summary>
/// <param name="Id">The id, which stays when the container is renamed.</param>
/// <param name="Name">The name.</param>
/// <param name="Labels">The labels; null when this library did not make it.</param>
/// <param name="State">The state, for example <c>running</c> or <c>exited</c>.</param>
/// <param name="Ends">How often its program ended.</param>
/// <param name="Image">The image as the host knows it.</param>
/// <param name="Created">When it was created, in seconds.</param>
internal sealed record HostedContainer(string Id, string Name, ContainerLabels? Labels, string State, long Ends, string Image, DateTimeOffset? Created);

/// <summary>A volume of a host, and the engine for which this library made it; null when it did not.</summary>
internal sealed record HostedVolume(string? Engine);

/// <summary>An image of a host: by what a container is made from it, and what identifies its contents.</summary>
internal sealed record HostedImage(string Image, string Digest);
