using System.Management.Automation;
using OpenCloud.Build.Arguments;
using OpenCloud.Build.Client;
using OpenCloud.Build.Client.Images;
using OpenCloud.Build.Client.Images.Oci;
using OpenCloud.Build.Client.Images.References;
using OpenCloud.Build.Commands.Base;
using OpenCloud.Build.Completion;
using OpenCloud.Build.Errors;
using OpenCloud.Build.Images;

namespace OpenCloud.Build.Commands;

/// <summary>Imports images from files or directories.</summary>
[Cmdlet(VerbsData.Import, "ContainerImage", DefaultParameterSetName = PathSet, SupportsShouldProcess = true)]
[OutputType(typeof(ContainerImageImport))]
public sealed class ImportContainerImageCommand : ImageStoreCmdlet
{
    private const string PathSet = "Path";
    private const string LiteralPathSet = "LiteralPath";

    /// <summary>The archives; wildcards are allowed.</summary>
    [Parameter(Mandatory = true, Position = 0, ParameterSetName = PathSet, ValueFromPipeline = true)]
    [SupportsWildcards]
    public string[] Path { get; set; } = [];

    /// <summary>The archives, taken literally.</summary>
    [Parameter(Mandatory = true, ParameterSetName = LiteralPathSet, ValueFromPipelineByPropertyName = true)]
    [Alias("PSPath", "LP", "FullName")]
    public string[] LiteralPath { get; set; } = [];

    /// <summary>The new names.</summary>
    [Parameter(Position = 1)]
    [Alias("Tag")]
    [ArgumentCompleter(typeof(ImageNameCompleter))]
    public string[]? Name { get; set; }

    /// <summary>The containerd namespace.</summary>
    [Parameter]
    [ArgumentCompleter(typeof(NamespaceCompleter))]
    public string Namespace { get; set; } = ImageStores.DefaultNamespace;

    /// <summary>The platforms to import.</summary>
    [Parameter]
    [ArgumentCompleter(typeof(PlatformCompleter))]
    public string[]? Platform { get; set; }

    /// <summary>Transfers contents even when the store has them.</summary>
    [Parameter]
    public SwitchParameter Force { get; set; }

    /// <inheritdoc/>
    protected override void ProcessRecord()
    {
        bool isLiteral = ParameterSetName == LiteralPathSet;
        string[] paths = isLiteral ? LiteralPath : Path;
        if (!isLiteral && Record?.BaseObject is not (null or string or FileSystemInfo))
        {
            if (PipedObject.ArchivePath(Record) is not { } archive)
            {
                WriteError(ErrorCatalog.NotAnArchive, Record.BaseObject, null, Record.BaseObject.GetType().Name);
                return;
            }

            // PowerShell converts the object to text for -Path.
            paths = [archive];
            isLiteral = Record.BaseObject is not PSCustomObject;
        }

        foreach (string path in paths)
        {
            Guard(path, () =>
            {
                foreach (string full in ArchiveArguments.Resolve(this, path, isLiteral))
                {
                    Guard(full, () => Import(full));
                }
            });
        }
    }

    private void Import(string path)
    {
        List<string> given = [.. (Name ?? []).Select(Complete)];
        List<Platform> platforms = PlatformArguments.Parse(Platform);
        IImageStore store = Store();
        string @namespace = store.HasNamespaces ? NamespaceArguments.Check(Namespace) : string.Empty;
        RunAsync(async (poster, cancellationToken) =>
        {
            using ImageArchive archive = await ImageArchive.OpenAsync(path, cancellationToken).ConfigureAwait(false);
            if (given.Count > 0 && archive.Images.Count > 1)
            {
                throw ErrorCatalog.NameForSeveralImages.ToException(path, null, path, archive.Images.Count);
            }

            // Checks all names before the first image, so that an invalid archive is rejected as a whole.
            List<(ArchivedImage Image, IReadOnlyList<string> Names)> images = [.. archive.Images.Select(i => (i, given.Count > 0 ? given : i.Names))];
            if (images.Exists(static i => i.Names.Count == 0))
            {
                throw ErrorCatalog.ImageWithoutName.ToException(path, null, path);
            }

            foreach ((ArchivedImage image, IReadOnlyList<string> names) in images)
            {
                string place = store.HasNamespaces ? $"namespace {@namespace} of {store.Description}" : store.Description;
                if (!await poster.InvokeAsync(() => ShouldProcess(string.Join(", ", ImageReference.Familiar(names)), $"Import from {path} into {place}")).ConfigureAwait(false))
                {
                    continue;
                }

                ImageImportOptions options = new(platforms, Force, new ByteProgress(poster, $"Importing {names[0]}"));
                ImageImportResult result = await store.ImportAsync(@namespace, archive, image.Target, names, options, cancellationToken).ConfigureAwait(false);
                poster.Verbose($"{names[0]}: {result.ContentsMoved} blobs copied ({result.BytesMoved} bytes), {result.ContentsPresent} already present.");
                poster.Output(new ContainerImageImport
                {
                    References = names,
                    Digest = image.Target.Digest.ToString(),
                    Namespace = @namespace,
                    Store = AddressOf(store),
                    Path = path,
                    BytesMoved = result.BytesMoved,
                    ContentsMoved = result.ContentsMoved,
                    ContentsPresent = result.ContentsPresent,
                });
            }
        });
    }

    private static string Complete(string name) =>
        !ImageReference.TryParse(name, out ImageReference? reference, out ImageReferenceError? error)
            ? throw ErrorCatalog.InvalidImageReference.ToException(name, null, name, error.ToString())
            : reference.Digest is null ? reference.WithDefaultTag().ToString() : throw ErrorCatalog.TagWithDigest.ToException(name, null, name);
}
