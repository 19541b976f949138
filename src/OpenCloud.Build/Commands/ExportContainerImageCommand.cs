using System.Management.Automation;
using OpenCloud.Build.Arguments;
using OpenCloud.Build.Client;
using OpenCloud.Build.Client.Images;
using OpenCloud.Build.Client.Images.References;
using OpenCloud.Build.Commands.Base;
using OpenCloud.Build.Completion;
using OpenCloud.Build.Errors;
using OpenCloud.Build.Images;
using OpenCloud.Build.Linux;

namespace OpenCloud.Build.Commands;

/// <summary>Writes images to a file or directory.</summary>
[Cmdlet(VerbsData.Export, "ContainerImage", SupportsShouldProcess = true)]
[OutputType(typeof(FileInfo), typeof(DirectoryInfo))]
public sealed class ExportContainerImageCommand : ImageStoreCmdlet
{
    private readonly List<(IImageStore Store, string Namespace, string StoreName, string Name, long Size)> _images = [];

    /// <summary>The names.</summary>
    [Parameter(Position = 0, ValueFromPipeline = true, ValueFromPipelineByPropertyName = true)]
    [Alias("References", "Reference")]
    [SupportsWildcards]
    [ArgumentCompleter(typeof(ImageNameCompleter))]
    public string[] Name { get; set; } = [];

    /// <summary>Images from Get-ContainerImage.</summary>
    [Parameter(ValueFromPipeline = true)]
    public ContainerImage[] InputObject { get; set; } = [];

    /// <summary>The file or directory to write.</summary>
    [Parameter(Position = 1)]
    [Alias("Path", "OutFile")]
    public string? Destination { get; set; }

    /// <summary>What to write.</summary>
    [Parameter]
    public ImageArchiveFormat Format { get; set; } = ImageArchiveFormat.Tar;

    /// <summary>The platforms to write.</summary>
    [Parameter]
    [ArgumentCompleter(typeof(PlatformCompleter))]
    public string[]? Platform { get; set; }

    /// <summary>The containerd namespace.</summary>
    [Parameter(ValueFromPipelineByPropertyName = true)]
    [ArgumentCompleter(typeof(NamespaceCompleter))]
    public string Namespace { get; set; } = ImageStores.DefaultNamespace;

    /// <summary>Overwrites an existing file.</summary>
    [Parameter]
    public SwitchParameter Force { get; set; }

    // From a pipeline the only argument is the destination.
    private bool IsNameDestination => IsPiped && !IsOnCommandLine(nameof(Destination)) && IsOnCommandLine(nameof(Name));

    /// <inheritdoc/>
    protected override void ProcessRecord()
    {
        if (InputObject.Length > 0)
        {
            foreach (ContainerImage image in InputObject)
            {
                Guard(image, () => _images.Add((StoreOf(image), image.Namespace, image.GetStoreName(), image.Name, image.Size)));
            }

            return;
        }

        Guard(Name, () =>
        {
            CheckRecord();
            IReadOnlyList<string> names = IsNameDestination ? PipedObject.ImageNames(Record!)! : Name;
            if (names.Count == 0)
            {
                throw ErrorCatalog.ParameterMissing.ToException(null, null, nameof(Name));
            }

            IImageStore store = Store();
            string @namespace = store.HasNamespaces ? NamespaceArguments.Check(Namespace) : string.Empty;
            RunAsync(async (poster, cancellationToken) =>
                _images.AddRange((await FindAsync(store, names, store.HasNamespaces ? [@namespace] : [], poster, cancellationToken).ConfigureAwait(false))
                    .Select(i => (store, @namespace, i.GetStoreName(), i.Name, i.Size))));
        });
    }

    /// <inheritdoc/>
    protected override void EndProcessing()
    {
        if (_images.Count == 0)
        {
            return;
        }

        string? destination = IsNameDestination && Name is [string only] ? only : Destination;
        Guard(destination, () =>
        {
            if (string.IsNullOrEmpty(destination))
            {
                throw ErrorCatalog.ParameterMissing.ToException(null, null, nameof(Destination));
            }

            List<Platform> platforms = PlatformArguments.Parse(Platform);
            if (_images.Select(static i => (i.Store, i.Namespace)).Distinct().Count() > 1)
            {
                throw ErrorCatalog.ParameterConflict.ToException(destination, null, "InputObject", "Destination (the images are of several stores or namespaces)");
            }

            string path = DirectoryArguments.ResolveLiteral(this, destination);
            NewFile file = NewFile.Prepare(path, Format == ImageArchiveFormat.Directory, Force);
            (IImageStore store, string @namespace, _, _, _) = _images[0];
            string[] names = [.. _images.Select(static i => i.StoreName).Distinct()];
            string shown = string.Join(", ", _images.Select(static i => i.Name).Distinct());
            if (!ShouldProcess(path, $"Write {shown} ({ByteText.Of(_images.Sum(static i => i.Size))} in {store.Description})"))
            {
                return;
            }

            RunAsync((poster, cancellationToken) => file.WriteAsync(
                output => store.ExportAsync(@namespace, names, platforms, output, new ByteProgress(poster, $"Writing {path}"), cancellationToken),
                cancellationToken));
            WriteItem(path);
        });
    }
}
