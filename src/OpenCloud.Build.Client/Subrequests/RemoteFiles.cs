using OpenCloud.Build.Client.Inputs;

namespace OpenCloud.Build.Client.Subrequests;

/// <summary>What of an address is read through an engine.</summary>
public sealed record RemoteFilesRequest
{
    /// <summary>A git repository, an archive, or a single file, in the forms that a build's context may have.</summary>
    public required string Address { get; init; }

    /// <summary>The files, relative to the root of the repository (or of its directory in the address) or archive. All must exist.</summary>
    public IReadOnlyList<string> Names { get; init; } = [];

    /// <summary>The files that are read where <see cref="Names"/> is empty, as far as they exist.</summary>
    public IReadOnlyList<string> DefaultNames { get; init; } = [];

    /// <summary>The largest size of a file.</summary>
    public int MaxBytes { get; init; } = 2 * 1024 * 1024;

    /// <summary>Secrets by id, such as <c>GIT_AUTH_TOKEN.HOST</c>.</summary>
    public IReadOnlyDictionary<string, BuildSecret> Secrets { get; init; } = new Dictionary<string, BuildSecret>();

    /// <summary>SSH agents for a repository over SSH.</summary>
    public IReadOnlyList<SshForward> Ssh { get; init; } = [];
}

/// <summary>A file that an engine read.</summary>
/// <param name="Name">Its name as it was asked for; that of a single file is the last part of its address.</param>
/// <param name="Content">Its bytes.</param>
public sealed record RemoteFile(string Name, ReadOnlyMemory<byte> Content);

/// <summary>What an engine read of an address.</summary>
/// <param name="IsSingleFile">Whether the address is a file itself, and no repository or archive.</param>
/// <param name="Files">The files, in the order in which they were asked for.</param>
public sealed record RemoteFiles(bool IsSingleFile, IReadOnlyList<RemoteFile> Files);
