using System.Management.Automation;
using Grpc.Core;
using OpenCloud.Build.Arguments;
using OpenCloud.Build.Builds;
using OpenCloud.Build.Client;
using OpenCloud.Build.Client.Builds;
using OpenCloud.Build.Client.Engines;
using OpenCloud.Build.Client.Images;
using OpenCloud.Build.Client.Images.Docker;
using OpenCloud.Build.Client.Images.Oci;
using OpenCloud.Build.Client.Images.References;
using OpenCloud.Build.Client.Images.Registries;
using OpenCloud.Build.Client.Records;
using OpenCloud.Build.Client.Text;
using OpenCloud.Build.Completion;
using OpenCloud.Build.Errors;
using OpenCloud.Build.Images;
using OpenCloud.Build.Pipeline;

namespace OpenCloud.Build.Commands.Base;

/// <summary>The base class of the cmdlets that use an image store.</summary>
public abstract class ImageStoreCmdlet : ConnectingCmdlet
{
    private readonly Dictionary<string, IImageStore> _stores = new(StringComparer.Ordinal);
    private readonly WarnedOnce _warned = new();
    private HashSet<string> _onCommandLine = [];
    private IImageStore? _used;

    private protected ImageStoreCmdlet()
    {
    }

    /// <summary>The image store.</summary>
    [Parameter(ValueFromPipelineByPropertyName = true)]
    [Alias("Store")]
    [ArgumentCompleter(typeof(ImageStoreCompleter))]
    public string? Address { get; set; }

    /// <summary>The whole piped object: a build tells whether it has put an image into a store.</summary>
    [Parameter(ValueFromPipeline = true, DontShow = true)]
    public PSObject? Record { get; set; }

    /// <summary>Whether objects come from the pipeline.</summary>
    private protected bool IsPiped => MyInvocation.ExpectingInput;

    // A piped object may have another address, which is bound to the parameter.
    private string UsedAddress => _used is null ? Address ?? "The store" : AddressOf(_used);

    /// <inheritdoc/>
    protected override void BeginProcessing() => _onCommandLine = new HashSet<string>(MyInvocation.BoundParameters.Keys, StringComparer.OrdinalIgnoreCase);

    /// <inheritdoc/>
    protected override void Dispose(bool disposing)
    {
        base.Dispose(disposing);
        if (disposing)
        {
            foreach (IImageStore store in _stores.Values)
            {
                // Completes synchronously: it only closes sockets.
                store.DisposeAsync().AsTask().GetAwaiter().GetResult();
            }
        }
    }

    /// <summary>Whether a parameter is on the command line, not from the piped object.</summary>
    private protected bool IsOnCommandLine(string parameter) => _onCommandLine.Contains(parameter);

    /// <summary>Rejects a piped object that names no image.</summary>
    /// <exception cref="BuildErrorException">The object is of another kind, or a build that made no image.</exception>
    private protected void CheckRecord()
    {
        if (Record is null || Record.BaseObject is string or ContainerImage)
        {
            return;
        }

        bool isKind = Record.BaseObject is ImageBuildResult or BuildRecord or ContainerImageImport or ContainerImageTransfer or PSCustomObject;
        if (!isKind || PipedObject.ImageNames(Record) is not { } names)
        {
            throw ErrorCatalog.NotAnImage.ToException(Record.BaseObject, null, Record.BaseObject.GetType().Name);
        }

        if (names.Count == 0)
        {
            throw ErrorCatalog.BuildWithoutImage.ToException(Record.BaseObject, null, Address ?? "which made it");
        }
    }

    /// <summary>The store of the command line, else of the piped object, else the default one; opened once per pipeline.</summary>
    private protected IImageStore Store()
    {
        if (IsOnCommandLine(nameof(Address)) || Record?.BaseObject is null or string)
        {
            return Store(Address);
        }

        if (Record.BaseObject is ContainerImageTransfer { Store.Length: 0 } moved)
        {
            string name = string.Join(", ", moved.Names);
            throw moved.Path.Length > 0 ? ErrorCatalog.ImageInFile.ToException(moved, null, name, moved.Path) : ErrorCatalog.ImageInRegistry.ToException(moved, null, name);
        }

        // A build has the address of its engine, too, which PowerShell binds first.
        return Record.Properties[nameof(ImageBuildResult.Store)] is not { } store ? Store(Address)
            : store.Value is string { Length: > 0 } address ? Store(IsRegistry(address) ? null : address)
            : throw ErrorCatalog.BuildWithoutImage.ToException(Record.BaseObject, null, Address ?? "which made it");
    }

    /// <summary>The store of the command line, else of the image.</summary>
    private protected IImageStore StoreOf(ContainerImage image) => IsOnCommandLine(nameof(Address)) ? Store(Address)
        : IsInRegistry(image) ? throw ErrorCatalog.ImageInRegistry.ToException(image, null, image.Name)
        : Store(image.Store);

    private protected static bool IsInRegistry(ContainerImage image) => IsRegistry(image.Store);

    private protected static bool IsRegistry(string store) => store.StartsWith(RegistryClient.StorePrefix, StringComparison.Ordinal);

    /// <summary>The store at an address, opened once per pipeline.</summary>
    private protected IImageStore Store(string? address)
    {
        string key = address ?? string.Empty;
        if (!_stores.TryGetValue(key, out IImageStore? store))
        {
            EngineConnectOptions options = ConnectOptions with { OnWarning = Warn };
            store = ImageStores.Open(EngineArguments.ParseAddress(address), options);
            WriteVerbose(TerminalText.Plain($"Using the images of {store.Description}."));
            _stores[key] = store;
        }

        return Using(store);
    }

    /// <summary>Makes a store the one that the errors of its calls name.</summary>
    private protected IImageStore Using(IImageStore store) => _used = store;

    // A store connects at its first request, and again after the connection was lost.
    private void Warn(string text)
    {
        if (Poster is { } poster)
        {
            _warned.Warn(text, poster);
        }
    }

    /// <inheritdoc/>
    private protected override ErrorRecord? ToRecord(Exception exception, object? target) => exception switch
    {
        EngineConnectException connect => EngineErrors.From(connect).ToRecord(),
        HttpRequestException { InnerException: EngineConnectException connect } => EngineErrors.From(connect).ToRecord(),
        RpcException { StatusCode: StatusCode.Unimplemented } => ErrorCatalog.NotAnImageStore.ToRecord(target, exception, UsedAddress),
        RpcException grpc => ErrorCatalog.ImageStoreRefused.ToRecord(target, exception, UsedAddress, grpc.Status.Detail),
        DockerEngineException or HttpRequestException => ErrorCatalog.ImageStoreRefused.ToRecord(target, exception, UsedAddress, exception.Message),
        ImageNameException { Exists: true } => ErrorCatalog.ImageNameTaken.ToRecord(target, exception, exception.Message),
        ImageNameException => ErrorCatalog.InvalidImageReference.ToRecord(target, exception, target ?? string.Empty, exception.Message),
        RegistryException registry => RegistryErrors.ToRecord(registry, target),
        OciFormatException => ErrorCatalog.ImageDamaged.ToRecord(target, exception, exception.Message),
        _ => base.ToRecord(exception, target),
    };

    /// <summary>Finds images by name. A name without a match causes an error that says where it exists instead.</summary>
    private protected async Task<List<ContainerImage>> FindAsync(
        IImageStore store, IReadOnlyList<string> names, IReadOnlyList<string> namespaces, IPipelinePoster poster, CancellationToken cancellationToken)
    {
        ImageNames wanted = new(names);
        List<ContainerImage> images = [];
        await foreach (ContainerImage image in store.ListAsync(new ImageQuery { Namespaces = namespaces, Name = wanted.Matches }, cancellationToken).ConfigureAwait(false))
        {
            images.Add(image);
        }

        await ReportMissingAsync(store, wanted, namespaces, poster, cancellationToken).ConfigureAwait(false);
        return images;
    }

    private protected async Task ReportMissingAsync(IImageStore store, ImageNames wanted, IReadOnlyList<string> namespaces, IPipelinePoster poster, CancellationToken cancellationToken)
    {
        foreach (string name in wanted.Unmatched)
        {
            string elsewhere = await ImageWhereabouts.DescribeAsync(store, AddressOf(store), name, namespaces, cancellationToken).ConfigureAwait(false);
            string where = store.HasNamespaces
                ? $"{(namespaces.Count == 0 ? "any namespace" : "namespace " + string.Join(", ", namespaces.Select(static n => $"'{n}'")))} of {store.Description}"
                : $"the {store.Description}";
            poster.Error(ErrorCatalog.ImageNotFound.ToRecord(name, null, name, where, elsewhere));
        }
    }

    /// <summary>The source and its new names. From a pipeline the only argument has the new names.</summary>
    /// <exception cref="BuildErrorException">One of them is missing.</exception>
    private protected (string Source, IReadOnlyList<string> NewNames) SourceAndNewNames(string[] name, IReadOnlyList<string> newNames, ContainerImage? image, string parameter)
    {
        bool hasNewNames = IsPiped && newNames.Count == 0 && IsOnCommandLine("Name");
        IReadOnlyList<string> given = hasNewNames ? name : newNames.Count > 0 ? newNames : throw ErrorCatalog.ParameterMissing.ToException(null, null, parameter);
        string source = image is not null ? image.Name
            : hasNewNames ? Record!.ToString()
            : name is [string only] ? only
            : throw ErrorCatalog.ParameterMissing.ToException(null, null, "Name");
        return (source, given);
    }

    /// <exception cref="BuildErrorException">The text is not a name.</exception>
    private protected static ImageReference ParseNewName(string name)
    {
        if (!ImageReference.TryParse(name, out ImageReference? reference, out ImageReferenceError? error))
        {
            throw ErrorCatalog.InvalidImageReference.ToException(name, null, name, error.ToString());
        }

        return reference.Digest is null ? reference.WithDefaultTag() : throw ErrorCatalog.TagWithDigest.ToException(name, null, name);
    }

    /// <summary>The image of a name; a name without a tag means latest here, since there must be exactly one source.</summary>
    private protected async Task<ContainerImage?> ResolveAsync(IImageStore store, string name, IReadOnlyList<string> namespaces, IPipelinePoster poster, CancellationToken cancellationToken)
    {
        List<ContainerImage> found = await FindAsync(store, [name], namespaces, poster, cancellationToken).ConfigureAwait(false);
        string latest = ImageReference.TryParse(name, out ImageReference? reference) ? reference.WithDefaultTag().ToString() : name;
        ContainerImage? exact = found.Find(i => i.GetStoreName() == name)
            ?? found.Find(i => i.Reference == latest)
            ?? (found.Count == 1 ? found[0] : null);
        if (exact is null && found.Count > 1)
        {
            poster.Error(ErrorCatalog.ImageNotFound.ToRecord(name, null, name, store.Description, $" The name matches {found.Count} images; specify the tag."));
        }

        return exact;
    }

    private protected static string AddressOf(IImageStore store) => store.Description[(store.Description.LastIndexOf(' ') + 1)..];
}
