using System.Management.Automation;
using OpenCloud.Build.Arguments;
using OpenCloud.Build.Client.Certificates;
using OpenCloud.Build.Commands.Base;
using OpenCloud.Build.Completion;
using OpenCloud.Build.Errors;

namespace OpenCloud.Build.Commands;

/// <summary>Issues certificates for engines and their clients.</summary>
[Cmdlet(VerbsCommon.New, "BuildKitCertificate", SupportsShouldProcess = true)]
[OutputType(typeof(BuildKitCertificate))]
public sealed class NewBuildKitCertificateCommand : BuildCmdlet
{
    /// <summary>The directory of the certificates.</summary>
    [Parameter(Mandatory = true, Position = 0)]
    [TextTransform("Path", TakesFiles = true)]
    public string Path { get; set; } = string.Empty;

    /// <summary>The host names and IP addresses of one engine.</summary>
    [Parameter(ValueFromPipelineByPropertyName = true)]
    [ArgumentCompleter(typeof(NoCompleter))]
    public string[] Server { get; set; } = [];

    /// <summary>The names of clients.</summary>
    [Parameter(ValueFromPipelineByPropertyName = true)]
    [ArgumentCompleter(typeof(NoCompleter))]
    public string[] Client { get; set; } = [];

    /// <summary>The name of the engine's directory.</summary>
    [Parameter(ValueFromPipelineByPropertyName = true)]
    [ArgumentCompleter(typeof(NoCompleter))]
    public string? Name { get; set; }

    /// <summary>The lifetime in days.</summary>
    [Parameter]
    [ValidateRange(1, 3650)]
    [ArgumentCompleter(typeof(NoCompleter))]
    public int Days { get; set; } = 365;

    /// <summary>Replaces existing certificates.</summary>
    [Parameter]
    public SwitchParameter Renew { get; set; }

    /// <inheritdoc/>
    protected override void ProcessRecord() => Guard(Path, () =>
    {
        // An empty cell of a table is no value.
        string[] server = [.. Server.Where(static name => name.Length > 0)];
        string[] clients = [.. Client.Where(static name => name.Length > 0)];
        string? name = string.IsNullOrEmpty(Name) ? null : Name;
        CertificateStore store = new(DirectoryArguments.ResolveLiteral(this, Path));
        if (name is not null && server.Length == 0 && !Renew)
        {
            throw ErrorCatalog.CertificateNameInvalid.ToException(name, null, $"The name '{name}' was given without host names of an engine.");
        }

        if (Renew && server.Length == 0 && clients.Length == 0 && name is null)
        {
            foreach (CertificateSet set in store.PlanRenewal())
            {
                Guard(set.Path, () => Issue(store, set));
            }

            return;
        }

        // All names are checked before the first file is written.
        List<CertificateSet> sets = [];
        if (server.Length > 0 || name is not null)
        {
            Guard(name ?? server[0], () => sets.Add(store.PlanServer(server, name, Renew)));
        }

        foreach (string client in clients)
        {
            Guard(client, () => sets.Add(store.PlanClient(client, Renew)));
        }

        bool onlyAuthority = server.Length == 0 && clients.Length == 0 && name is null;
        if ((sets.Count > 0 || onlyAuthority) && store.PlanAuthority() is { } authority)
        {
            Issue(store, authority);
        }

        foreach (CertificateSet set in sets)
        {
            Guard(set.Path, () => Issue(store, set));
        }
    });

    private protected override ErrorRecord? ToRecord(Exception exception, object? target) => exception switch
    {
        CertificateSetException failure => EntryOf(failure.Problem).ToRecord(target, failure, failure.Message),
        IOException or UnauthorizedAccessException => ErrorCatalog.FileNotWritable.ToRecord(target, exception, target ?? Path, exception.Message),
        _ => base.ToRecord(exception, target),
    };

    private static ErrorEntry EntryOf(CertificateSetProblem problem) => problem switch
    {
        CertificateSetProblem.Exists => ErrorCatalog.CertificateExists,
        CertificateSetProblem.AuthorityUnusable => ErrorCatalog.CertificateAuthorityUnusable,
        CertificateSetProblem.DirectoryNotTrusted => ErrorCatalog.CertificateDirectoryNotTrusted,
        CertificateSetProblem.NotFound => ErrorCatalog.CertificateNotFound,
        _ => ErrorCatalog.CertificateNameInvalid,
    };

    private void Issue(CertificateStore store, CertificateSet set)
    {
        string what = set.Role switch
        {
            CertificateRole.Authority => "Create a certificate authority",
            CertificateRole.Server => $"{(set.Exists ? "Renew" : "Issue")} a server certificate for {string.Join(", ", set.Names)}",
            _ => $"{(set.Exists ? "Renew" : "Issue")} a client certificate for {set.Name}",
        };
        if (ShouldProcess(set.Path, what))
        {
            WriteObject(store.Issue(set, TimeSpan.FromDays(Days)));
        }
    }
}
