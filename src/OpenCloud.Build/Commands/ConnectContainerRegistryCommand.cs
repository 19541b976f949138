using System.Management.Automation;
using System.Security;
using OpenCloud.Build.Arguments;
using OpenCloud.Build.Client.Credentials;
using OpenCloud.Build.Client.Images.Registries;
using OpenCloud.Build.Client.Inputs;
using OpenCloud.Build.Client.Text;
using OpenCloud.Build.Commands.Base;
using OpenCloud.Build.Completion;
using OpenCloud.Build.Errors;
using OpenCloud.Build.Images;

namespace OpenCloud.Build.Commands;

/// <summary>Logs in to registries.</summary>
[Cmdlet(VerbsCommunications.Connect, "ContainerRegistry", DefaultParameterSetName = CredentialSet, SupportsShouldProcess = true)]
[OutputType(typeof(ContainerRegistryLogin))]
public sealed class ConnectContainerRegistryCommand : BuildCmdlet
{
    private const string CredentialSet = "Credential";
    private const string PasswordSet = "Password";
    private const string StdinSet = "PasswordStdin";

    /// <summary>The registries.</summary>
    [Parameter(Position = 0, ValueFromPipelineByPropertyName = true)]
    [ArgumentCompleter(typeof(RegistryCompleter))]
    public string[] Registry { get; set; } = ["docker.io"];

    /// <summary>The user name and password.</summary>
    [Parameter(Mandatory = true, Position = 1, ParameterSetName = CredentialSet, ValueFromPipelineByPropertyName = true)]
    [Credential]
    [ArgumentCompleter(typeof(NoCompleter))]
    public PSCredential Credential { get; set; } = PSCredential.Empty;

    /// <summary>The user name.</summary>
    [Parameter(Mandatory = true, ParameterSetName = PasswordSet, ValueFromPipelineByPropertyName = true)]
    [Parameter(Mandatory = true, ParameterSetName = StdinSet, ValueFromPipelineByPropertyName = true)]
    [ArgumentCompleter(typeof(NoCompleter))]
    public string UserName { get; set; } = string.Empty;

    /// <summary>The password.</summary>
    [Parameter(Mandatory = true, ParameterSetName = PasswordSet, ValueFromPipelineByPropertyName = true)]
    [ArgumentCompleter(typeof(NoCompleter))]
    public SecureString Password { get; set; } = new();

    /// <summary>Takes the password from the pipeline or from standard input.</summary>
    [Parameter(Mandatory = true, ParameterSetName = StdinSet)]
    public SwitchParameter PasswordStdin { get; set; }

    /// <summary>The password's lines, from the pipeline.</summary>
    [Parameter(ParameterSetName = StdinSet, ValueFromPipeline = true, DontShow = true)]
    [TextTransform]
    public string? InputObject { get; set; }

    /// <summary>Allows plain HTTP and untrusted certificates.</summary>
    [Parameter]
    public SwitchParameter AllowInsecureRegistry { get; set; }

    private readonly List<string> _lines = [];

    /// <inheritdoc/>
    protected override void ProcessRecord()
    {
        if (ParameterSetName != StdinSet)
        {
            Connect(ParameterSetName == CredentialSet ? RegistryCredential.From(Credential.UserName, Credential.Password) : RegistryCredential.From(UserName, Password));
        }
        else if (InputObject is not null)
        {
            _lines.Add(InputObject);
        }
    }

    /// <inheritdoc/>
    protected override void EndProcessing()
    {
        if (ParameterSetName == StdinSet)
        {
            string text = _lines.Count > 0 || !Console.IsInputRedirected ? string.Join('\n', _lines) : Console.In.ReadToEnd();
            Connect(new RegistryCredential(UserName, text.TrimEnd('\r', '\n')));
        }
    }

    private void Connect(RegistryCredential credential)
    {
        foreach (string registry in Registry)
        {
            try
            {
                Connect(RegistryArguments.Check(registry), credential);
            }
            catch (BuildErrorException exception)
            {
                WriteError(exception.ToRecord());
            }
            catch (RegistryException exception)
            {
                WriteError(RegistryErrors.ToRecord(exception, registry));
            }
            catch (IOException exception)
            {
                WriteError(ErrorCatalog.RegistryLoginNotSaved, registry, exception, exception.Message);
            }
        }
    }

    private void Connect(string registry, RegistryCredential credential)
    {
        if (credential.UserName.Length == 0 || credential.Secret.Length == 0 || credential.UserName.Contains(':', StringComparison.Ordinal))
        {
            throw ErrorCatalog.InvalidRegistryLogin.ToException(registry, null, registry);
        }

        string directory = RegistryLogins.DefaultDirectory;
        if (!ShouldProcess(registry, $"Verify and save the login of {credential.UserName}"))
        {
            return;
        }

        RunAsync(async (poster, cancellationToken) =>
        {
            RegistryOptions options = new()
            {
                Credentials = new Dictionary<string, RegistryCredential> { [registry] = credential },
                DockerConfigDirectory = directory,
                AllowInsecure = AllowInsecureRegistry,
                OnNotice = text => poster.Verbose(TerminalText.Plain(text)),
            };
            using RegistryClient client = new(options);
            await client.PingAsync(registry, cancellationToken).ConfigureAwait(false);
            string place = await RegistryLogins.SaveAsync(directory, registry, credential, cancellationToken).ConfigureAwait(false);
            poster.Output(new ContainerRegistryLogin { Registry = registry, UserName = credential.UserName, SavedIn = place });
        });
    }
}
