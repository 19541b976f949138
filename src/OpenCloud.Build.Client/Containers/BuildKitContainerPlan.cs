using OpenCloud.Build.Client.Engines;

namespace OpenCloud.Build.Client.Containers;

/// <summary>What a request changes, before anything is changed.</summary>
public sealed class BuildKitContainerPlan
{
    internal BuildKitContainerPlan(BuildKitContainerRequest request, ContainerLabels wanted, EngineAddress address, string image)
    {
        Request = request;
        Wanted = wanted;
        Address = address;
        Image = image;
    }

    /// <summary>What it would do.</summary>
    public BuildKitContainerChange Change { get; internal init; }

    /// <summary>What an existing container has that differs from the request, for example <c>network bridge instead of none</c>.</summary>
    public IReadOnlyList<string> Differences { get; internal init; } = [];

    /// <summary>The address that the engine has or will have.</summary>
    public EngineAddress Address { get; }

    /// <summary>The change in words, for example <c>Create a privileged container from the image X, …</c>.</summary>
    public string Description { get; internal init; } = string.Empty;

    internal BuildKitContainerRequest Request { get; }

    internal ContainerLabels Wanted { get; }

    /// <summary>The image as the host knows it; for an archive, the name under which it is loaded.</summary>
    internal string Image { get; }

    /// <summary>Whether the image must be pulled before the plan can be applied.</summary>
    internal bool IsImageMissing { get; init; }

    /// <summary>The existing container.</summary>
    internal HostedContainer? Current { get; init; }

    /// <summary>A container that an interrupted update left in the place of the current one.</summary>
    internal HostedContainer? Unfinished { get; init; }
}
