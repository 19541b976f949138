using System.Management.Automation;
using OpenCloud.Build.Arguments;
using OpenCloud.Build.Client.Images;
using OpenCloud.Build.Client.Images.Oci;
using OpenCloud.Build.Client.Images.References;
using OpenCloud.Build.Client.Images.Registries;
using OpenCloud.Build.Commands.Base;
using OpenCloud.Build.Completion;
using OpenCloud.Build.Errors;
using OpenCloud.Build.Images;

namespace OpenCloud.Build.Commands;

/// <summary>Joins images into one index.</summary>
[Cmdlet(VerbsCommon.New, "ContainerImageIndex", DefaultParameterSetName = RegistrySet, SupportsShouldProcess = true)]
[OutputType(typeof(ContainerImageTransfer))]
public sealed class NewContainerImageIndexCommand : RegistryCmdlet
{
    private const string RegistrySet = "Registry";
    private const string PathSet = "Path";

    private readonly List<string> _names = [];
    private bool _hasFailed;

    /// <summary>References in registries.</summary>
    [Parameter(Position = 0, ValueFromPipeline = true, ValueFromPipelineByPropertyName = true)]
    [Alias("References", "Reference")]
    [ArgumentCompleter(typeof(RegistryCompleter))]
    public string[] Name { get; set; } = [];

    /// <summary>Archives and layouts.</summary>
    [Parameter]
    public string[] Archive { get; set; } = [];

    /// <summary>The references of the index.</summary>
    [Parameter(Mandatory = true, Position = 1, ParameterSetName = RegistrySet)]
    [Parameter(Mandatory = true, Position = 1, ParameterSetName = PathSet)]
    [Alias("Tag")]
    [ArgumentCompleter(typeof(RegistryCompleter))]
    public string[] Destination { get; set; } = [];

    /// <summary>The destination file or directory, instead of a registry.</summary>
    [Parameter(Mandatory = true, ParameterSetName = PathSet)]
    [Alias("OutFile")]
    public string Path { get; set; } = string.Empty;

    /// <summary>What to write.</summary>
    [Parameter(ParameterSetName = PathSet)]
    public ImageArchiveFormat Format { get; set; } = ImageArchiveFormat.Tar;

    /// <summary>Overwrites an existing file.</summary>
    [Parameter(ParameterSetName = PathSet)]
    public SwitchParameter Force { get; set; }

    /// <inheritdoc/>
    protected override void ProcessRecord()
    {
        bool isTaken = false;
        Guard(Name, () =>
        {
            CheckRecord();
            _names.AddRange(Name);
            isTaken = true;
        });
        _hasFailed |= !isTaken;
    }

    /// <inheritdoc/>
    protected override void EndProcessing() => Guard(Destination, () =>
    {
        // Without one of its images the index would be another one.
        if (_hasFailed)
        {
            return;
        }

        List<ImageReference> destinations = [.. Destination.Select(ParseDestination)];
        List<ImageReference> references = [.. _names.Select(static n => ParseReference(n).WithDefaultTag())];
        List<string> archives = [.. Archive.SelectMany(a => ArchiveArguments.Resolve(this, a, isLiteral: false))];
        if (references.Count + archives.Count == 0)
        {
            throw ErrorCatalog.ParameterConflict.ToException(Destination, null, "Name", "Archive (one of them is required)");
        }

        string? path = ParameterSetName == PathSet ? DirectoryArguments.ResolveLiteral(this, Path) : null;
        NewFile? file = path is null ? null : NewFile.Prepare(path, Format == ImageArchiveFormat.Directory, Force);
        string sources = string.Join(", ", references.Select(static r => r.ToString()).Concat(archives));
        if (!ShouldProcess(path ?? string.Join(", ", destinations), $"Create an index of {sources}"))
        {
            return;
        }

        RunAsync(async (poster, cancellationToken) =>
        {
            List<ImageArchive> opened = [];
            try
            {
                List<OpenedImage> images = [];
                foreach (ImageReference reference in references)
                {
                    images.Add((await Registries.OpenAsync(reference, [], null, cancellationToken).ConfigureAwait(false)).Open());
                }

                foreach (string archive in archives)
                {
                    opened.Add(await ImageArchive.OpenAsync(archive, cancellationToken).ConfigureAwait(false));
                    images.AddRange(opened[^1].Images.Select(i => OpenedImage.Of(opened[^1], i)));
                }

                JoinedIndex index = await JoinedIndex.CreateAsync(images, cancellationToken).ConfigureAwait(false);
                foreach (Platform missing in index.MissingPlatforms)
                {
                    poster.Warning($"The index is created without {missing}: an image lists the platform, but its manifest is missing.");
                }

                TransferProgress progress = new(poster, $"Creating {path ?? destinations[0].ToString()}");
                ContainerImageTransfer result = new()
                {
                    References = [.. destinations.Select(static d => d.ToString())],
                    Digest = index.Target.Digest.ToString(),
                    Source = sources,
                    Platforms = [.. index.Platforms.Select(static p => p.ToString())],
                };
                if (file is not null)
                {
                    await file.WriteAsync(output => index.WriteAsync(output, result.References, progress, cancellationToken), cancellationToken).ConfigureAwait(false);
                    poster.Output(result with { Path = path! });
                    return;
                }

                foreach (IGrouping<string, ImageReference> repository in destinations.GroupBy(static d => d.Name, StringComparer.Ordinal))
                {
                    ImagePushResult sent = await Registries.SendAsync(index.Open(), [.. repository], [], progress, progress.SetTotal, cancellationToken).ConfigureAwait(false);
                    poster.Output(result with
                    {
                        References = [.. repository.Select(static d => d.ToString())],
                        BytesMoved = sent.BytesSent,
                        ContentsMoved = sent.Sent,
                        ContentsMounted = sent.Mounted,
                        ContentsPresent = sent.Present,
                    });
                }
            }
            finally
            {
                opened.ForEach(static o => o.Dispose());
            }
        });
    });
}
