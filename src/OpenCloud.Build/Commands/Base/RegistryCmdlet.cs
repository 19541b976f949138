using System.Collections;
using System.Management.Automation;
using OpenCloud.Build.Arguments;
using OpenCloud.Build.Client.Images.References;
using OpenCloud.Build.Client.Images.Registries;
using OpenCloud.Build.Client.Text;
using OpenCloud.Build.Completion;
using OpenCloud.Build.Errors;

namespace OpenCloud.Build.Commands.Base;

/// <summary>The base class of the cmdlets that use registries beside an image store.</summary>
public abstract class RegistryCmdlet : ImageStoreCmdlet
{
    private RegistryClient? _registries;

    private protected RegistryCmdlet()
    {
    }

    /// <summary>Credentials by registry.</summary>
    [Parameter]
    [ArgumentCompleter(typeof(NoCompleter))]
    public IDictionary? RegistryCredential { get; set; }

    /// <summary>Allows plain HTTP and untrusted certificates.</summary>
    [Parameter]
    public SwitchParameter AllowInsecureRegistry { get; set; }

    /// <summary>The registry client, whose connections last for the pipeline.</summary>
    private protected RegistryClient Registries => _registries ??= new RegistryClient(new RegistryOptions
    {
        Credentials = ExchangeArguments.RegistryCredentials(RegistryCredential),
        AllowInsecure = AllowInsecureRegistry,
        OnNotice = text => Poster?.Verbose(TerminalText.Plain(text)),
    });

    /// <inheritdoc/>
    protected override void Dispose(bool disposing)
    {
        base.Dispose(disposing);
        if (disposing)
        {
            _registries?.Dispose();
        }
    }

    /// <summary>A reference to write to, with a tag; <c>latest</c> when none is given.</summary>
    private protected static ImageReference ParseDestination(string name)
    {
        ImageReference reference = ParseReference(name);
        return reference.Digest is null ? reference.WithDefaultTag() : throw ErrorCatalog.TagWithDigest.ToException(name, null, name);
    }

    /// <summary>A reference to a registry's image.</summary>
    private protected static ImageReference ParseReference(string name) =>
        !ImageReference.TryParse(name, out ImageReference? reference, out ImageReferenceError? error)
            ? throw ErrorCatalog.InvalidImageReference.ToException(name, null, name, error.ToString())
            : reference.Domain.Length > 0 ? reference : throw ErrorCatalog.InvalidImageReference.ToException(name, null, name, "its first component is not a registry");
}
