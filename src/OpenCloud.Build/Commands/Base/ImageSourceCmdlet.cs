using System.Management.Automation;
using Grpc.Core;
using OpenCloud.Build.Arguments;
using OpenCloud.Build.Builds;
using OpenCloud.Build.Client;
using OpenCloud.Build.Client.Engines;
using OpenCloud.Build.Client.Images;
using OpenCloud.Build.Client.Images.Attestations;
using OpenCloud.Build.Client.Images.Oci;
using OpenCloud.Build.Client.Images.References;
using OpenCloud.Build.Client.Images.Registries;
using OpenCloud.Build.Client.Records;
using OpenCloud.Build.Completion;
using OpenCloud.Build.Errors;
using OpenCloud.Build.Pipeline;

namespace OpenCloud.Build.Commands.Base;

/// <summary>The base class of the cmdlets that read images of a store, an archive or a registry, or the attestations of a build.</summary>
public abstract class ImageSourceCmdlet : RegistryCmdlet
{
    private protected const string NameSet = "Name";
    private protected const string ObjectSet = "InputObject";
    private protected const string PathSet = "Path";
    private protected const string RegistrySet = "Registry";
    private protected const string RecordSet = "BuildRecord";

    private protected ImageSourceCmdlet()
    {
    }

    /// <summary>The names in the store.</summary>
    [Parameter(Mandatory = true, Position = 0, ParameterSetName = NameSet, ValueFromPipeline = true, ValueFromPipelineByPropertyName = true)]
    [Alias("References", "Reference")]
    [AllowEmptyCollection]
    [SupportsWildcards]
    [ArgumentCompleter(typeof(ImageNameCompleter))]
    public string[] Name { get; set; } = [];

    /// <summary>Images from Get-ContainerImage.</summary>
    [Parameter(Mandatory = true, ParameterSetName = ObjectSet, ValueFromPipeline = true)]
    public ContainerImage[] InputObject { get; set; } = [];

    /// <summary>Archives and layouts.</summary>
    [Parameter(Mandatory = true, ParameterSetName = PathSet)]
    public string[] Path { get; set; } = [];

    /// <summary>References in registries.</summary>
    [Parameter(Mandatory = true, ParameterSetName = RegistrySet)]
    [ArgumentCompleter(typeof(RegistryCompleter))]
    public string[] Registry { get; set; } = [];

    /// <summary>Builds from Get-BuildHistory.</summary>
    [Parameter(Mandatory = true, ParameterSetName = RecordSet, ValueFromPipeline = true)]
    public BuildRecord[] BuildRecord { get; set; } = [];

    /// <summary>The platforms.</summary>
    [Parameter]
    [ArgumentCompleter(typeof(PlatformCompleter))]
    public string[]? Platform { get; set; }

    /// <summary>The containerd namespace.</summary>
    [Parameter(ParameterSetName = NameSet, ValueFromPipelineByPropertyName = true)]
    [ArgumentCompleter(typeof(NamespaceCompleter))]
    public string Namespace { get; set; } = ImageStores.DefaultNamespace;

    /// <summary>The engines of the pipeline.</summary>
    private protected EnginePool Engines { get; } = new();

    /// <inheritdoc/>
    protected override void Dispose(bool disposing)
    {
        base.Dispose(disposing);
        if (disposing)
        {
            Engines.Dispose();
        }
    }

    /// <inheritdoc/>
    protected override void ProcessRecord()
    {
        switch (ParameterSetName)
        {
            // PowerShell takes the default set for an object whose name it can bind.
            case NameSet when Record?.BaseObject is ContainerImage image:
                Guard(image, () => ReadImage(image));
                break;
            case NameSet when Record?.BaseObject is BuildRecord record:
                Guard(record, () => ReadRecord(record));
                break;
            case ObjectSet:
                foreach (ContainerImage given in InputObject)
                {
                    Guard(given, () => ReadImage(given));
                }

                break;
            case PathSet:
                foreach (string path in Path)
                {
                    Guard(path, () => ReadArchive(ArchiveArguments.Resolve(this, path, isLiteral: true)[0]));
                }

                break;
            case RegistrySet:
                foreach (string reference in Registry)
                {
                    Guard(reference, () => ReadRegistry(ParseReference(reference).WithDefaultTag()));
                }

                break;
            case RecordSet:
                foreach (BuildRecord built in BuildRecord)
                {
                    Guard(built, () => ReadRecord(built));
                }

                break;
            default:
                Guard(Name, ReadNamed);
                break;
        }
    }

    /// <summary>Reads an image. Its registry is null for images of stores and archives.</summary>
    private protected abstract Task ReadAsync(
        OpenedImage image, string name, RegistryImage? registry, IReadOnlyList<Platform> platforms, IPipelinePoster poster, CancellationToken cancellationToken);

    /// <summary>Reads the attestations of a build.</summary>
    private protected abstract void ReadAttestations(BuildRecord record, IReadOnlyList<ContainerImageAttestation> attestations, IPipelinePoster poster);

    private void ReadNamed()
    {
        CheckRecord();
        if (Name.Length == 0)
        {
            throw ErrorCatalog.ParameterMissing.ToException(Name, null, nameof(Name));
        }

        IImageStore store = Store();
        string @namespace = store.HasNamespaces ? NamespaceArguments.Check(Namespace) : string.Empty;
        List<Platform> platforms = PlatformArguments.Parse(Platform);
        RunAsync(async (poster, cancellationToken) =>
        {
            foreach (ContainerImage image in await FindAsync(store, Name, store.HasNamespaces ? [@namespace] : [], poster, cancellationToken).ConfigureAwait(false))
            {
                await ReadAsync(store, image, platforms, poster, cancellationToken).ConfigureAwait(false);
            }
        });
    }

    private void ReadImage(ContainerImage image)
    {
        if (IsInRegistry(image))
        {
            ReadRegistry(ParseReference(image.Reference ?? image.Name));
            return;
        }

        IImageStore store = StoreOf(image);
        List<Platform> platforms = PlatformArguments.Parse(Platform);
        RunAsync((poster, cancellationToken) => ReadAsync(store, image, platforms, poster, cancellationToken));
    }

    private async Task ReadAsync(IImageStore store, ContainerImage image, IReadOnlyList<Platform> platforms, IPipelinePoster poster, CancellationToken cancellationToken)
    {
        using OpenedImage opened = await store.OpenAsync(image.Namespace, image.GetStoreName(), platforms, cancellationToken).ConfigureAwait(false);
        await ReadAsync(opened, image.Name, null, platforms, poster, cancellationToken).ConfigureAwait(false);
    }

    private void ReadArchive(string path)
    {
        List<Platform> platforms = PlatformArguments.Parse(Platform);
        RunAsync(async (poster, cancellationToken) =>
        {
            using ImageArchive archive = await ImageArchive.OpenAsync(path, cancellationToken).ConfigureAwait(false);
            foreach (ArchivedImage image in archive.Images)
            {
                string name = image.Names.Count > 0 ? image.Names[0] : path;
                await ReadAsync(OpenedImage.Of(archive, image), name, null, platforms, poster, cancellationToken).ConfigureAwait(false);
            }
        });
    }

    private void ReadRegistry(ImageReference reference)
    {
        List<Platform> platforms = PlatformArguments.Parse(Platform);
        RunAsync(async (poster, cancellationToken) =>
        {
            RegistryImage image = await Registries.OpenAsync(reference, platforms, null, cancellationToken).ConfigureAwait(false);
            await ReadAsync(image.Open(), reference.ToString(), image, platforms, poster, cancellationToken).ConfigureAwait(false);
        });
    }

    private void ReadRecord(BuildRecord record)
    {
        EngineAddress? address = EngineArguments.ParseAddress(IsOnCommandLine(nameof(Address)) ? Address : record.Address);
        EngineConnectOptions options = ConnectOptions;
        RunAsync(async (poster, cancellationToken) =>
        {
            BuildKitClient engine = await Engines.GetAsync(address, options, poster, cancellationToken).ConfigureAwait(false);
            try
            {
                ReadAttestations(record, await engine.History.ReadAttestationsAsync(record.Ref, cancellationToken).ConfigureAwait(false), poster);
            }
            catch (NoBuildHistoryException exception)
            {
                throw ErrorCatalog.NoBuildHistory.ToException(record, exception, record.Address);
            }
            catch (RpcException exception)
            {
                throw ErrorCatalog.EngineRefusedCall.ToException(record, exception, record.Address, exception.Status.Detail);
            }
        });
    }
}
