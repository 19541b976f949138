using OpenCloud.Build.Host.Accounts;
using OpenCloud.Build.Host.Changes;
using OpenCloud.Build.Host.Commands;
using OpenCloud.Build.Host.Installations;
using OpenCloud.Build.Host.Layouts;
using OpenCloud.Build.Host.Prechecks;
using OpenCloud.Build.Host.Releases;
using OpenCloud.Build.Host.Systemd;

namespace OpenCloud.Build.Host.Access;

/// <summary>
/// Shares a rootless engine with a group. The engine's own socket lies in its user's runtime directory, which no other user may
/// enter, and the group's id has no mapping in the engine's user namespace. So the engine gets a second socket in a set-gid
/// directory that the user owns and the group may enter; files created there belong to the group. Clients build as the engine's user.
/// </summary>
/// <param name="observer">Approves each change and receives reports.</param>
/// <param name="probe">Queries the engine over gRPC.</param>
public sealed class RootlessAccess(IHostObserver observer, EngineProbe probe)
{
    private const string ShareRecords = ChangeJournal.StateDirectory + "/rootless-share";

    private static readonly TimeSpan AnswerTimeout = TimeSpan.FromSeconds(30);

    /// <summary>Grants access.</summary>
    /// <param name="request">The users and services. A missing group is created; its default name is <c>buildkit-USER</c>.</param>
    /// <param name="engineUser">The engine's user; null when there is only one rootless engine.</param>
    /// <param name="planOnly">Only reports the planned changes.</param>
    /// <param name="cancellationToken">Stops the work and rolls it back.</param>
    /// <exception cref="HostException">Access cannot be granted; nothing is changed.</exception>
    public async Task<IReadOnlyList<AccessReport>> GrantAsync(AccessRequest request, string? engineUser, bool planOnly, CancellationToken cancellationToken)
    {
        (RootlessPaths? paths, InstallationManifest? manifest) = Engine(engineUser, planOnly);
        RequireKnown(request);
        string group = paths.SharedGroup is { } shared && (request.Group is null || request.Group == shared) ? shared : request.Group ?? DefaultGroup(paths.User.Name);
        if (paths.SharedGroup is { } other && other != group)
        {
            throw new HostException(HostErrorKind.Conflict, $"The engine of {paths.User.Name} is already shared with the group '{other}'.", $"Do not use -Group, or revoke the access first: Revoke-BuildKitAccess -Rootless.", group);
        }

        if (AccountDatabase.FindGroup(group) is not { } known)
        {
            AccountDatabase.CheckNewGroup(group);
        }
        else if (known.Gid == 0)
        {
            throw new HostException(HostErrorKind.InvalidInput, "The group 'root' cannot be used to share an engine.", target: group);
        }

        observer.Warning($"Members of the group '{group}' get the rights of {paths.User.Name}: the engine reads and changes what {paths.User.Name} can, and runs programs as that user.");
        using (HostLock? hostLock = planOnly ? null : HostLock.Take(TimeSpan.FromMinutes(2), observer.Warning, cancellationToken))
        {
            ChangeJournal journal = planOnly ? ChangeJournal.Empty() : ChangeJournal.Open(RecordsOf(paths));
            StepRunner runner = new(observer, journal, cancellationToken);
            try
            {
                await runner.GuardAsync(() => ShareAsync(paths, manifest, group, runner, journal, planOnly, cancellationToken)).ConfigureAwait(false);
            }
            finally
            {
                if (!planOnly)
                {
                    DropEmpty(paths);
                }
            }
        }

        if (AccountDatabase.FindGroup(group) is null)
        {
            // Only a plan has no group at this point.
            return [.. request.Users.Select(user => Absent(user, PrincipalKind.User)), .. request.Services.Select(service => Absent(service, PrincipalKind.Service))];
        }

        return With(paths, new BuildKitAccess(observer) { ActsAs = paths.User.Name }.Grant(request with { Group = group }, planOnly));

        AccessReport Absent(string name, PrincipalKind kind) => new(name, kind, group, "not a member", "not a member", null, false) { Address = "unix://" + paths.SharedSocket };
    }

    /// <summary>Revokes access; with the last grant, the second socket, its directory and a group created for it are removed too.</summary>
    /// <param name="request">The users and services.</param>
    /// <param name="engineUser">The engine's user; null when there is only one rootless engine.</param>
    /// <param name="planOnly">Only reports the planned changes.</param>
    /// <param name="cancellationToken">Stops between two steps.</param>
    /// <exception cref="HostException">The engine is not shared, or a principal does not exist.</exception>
    public IReadOnlyList<AccessReport> Revoke(AccessRequest request, string? engineUser, bool planOnly, CancellationToken cancellationToken)
    {
        (RootlessPaths? paths, InstallationManifest _) = Engine(engineUser, planOnly);
        string group = paths.SharedGroup
            ?? throw new HostException(HostErrorKind.NotFound, $"The engine of {paths.User.Name} is not shared with a group.", target: paths.User.Name);
        IReadOnlyList<AccessReport> reports = With(paths, new BuildKitAccess(observer).Revoke(request with { Group = group }, planOnly));
        if (!planOnly && AccountDatabase.FindGroup(group) is { Members.Count: 0 } && ServiceGrant.UnitsWith(group).Count == 0)
        {
            using HostLock hostLock = HostLock.Take(TimeSpan.FromMinutes(2), observer.Warning, cancellationToken);
            Unshare(paths, observer, planOnly: false, restart: true, cancellationToken);
        }

        return reports;
    }

    /// <summary>Ends the sharing if there is any. Needs root.</summary>
    internal static void Unshare(RootlessPaths paths, IHostObserver observer, bool planOnly, bool restart, CancellationToken cancellationToken)
    {
        if (InstallationManifest.Load(RecordsOf(paths)) is not { } manifest)
        {
            return;
        }

        new ManifestRemoval(observer).Remove(manifest, purge: true, planOnly, cancellationToken, RecordsOf(paths));
        if (planOnly)
        {
            return;
        }

        DropEmpty(paths);
        ManagedUnit unit = paths.Unit;
        if (restart && unit.CanBeAsked && unit.IsActive)
        {
            unit.Restart(cancellationToken);
        }
    }

    private static string RecordsOf(RootlessPaths paths) => $"{ShareRecords}/{paths.User.Name}";

    private static void DropEmpty(RootlessPaths paths)
    {
        ChangeJournal.RemoveStateIfEmpty(RecordsOf(paths));
        ChangeJournal.RemoveStateIfEmpty(ShareRecords);
        ChangeJournal.RemoveStateIfEmpty();
    }

    private static string DefaultGroup(string user) => "buildkit-" + (user.Length > 23 ? user[..23] : user);

    private static IReadOnlyList<AccessReport> With(RootlessPaths paths, IReadOnlyList<AccessReport> reports)
        => [.. reports.Select(report => report with { Address = "unix://" + paths.SharedSocket })];

    private static (RootlessPaths Layout, InstallationManifest Manifest) Engine(string? engineUser, bool planOnly)
    {
        if (!planOnly)
        {
            AccountDatabase.RequireRoot("Changing the access to an engine requires root.");
        }

        if (engineUser is null)
        {
            InstallationManifest[] all = RootlessInstallations.OfRoot().Where(manifest => manifest.IsInstalled).ToArray();
            engineUser = all.Length == 1 ? all[0].Rootless!.User
                : throw new HostException(
                    HostErrorKind.InvalidInput,
                    all.Length == 0 ? "root did not install a rootless engine on this host." : $"There are several rootless engines: {string.Join(", ", all.Select(manifest => manifest.Rootless!.User))}.",
                    "Use -EngineUser NAME to select one.");
        }

        return RootlessInstallations.OfUser(engineUser)
            ?? throw new HostException(HostErrorKind.NotFound, $"'{AccountDatabase.Printable(engineUser)}' does not have an engine that this module installed.", $"Run Install-BuildKit -Rootless -User {engineUser} first.", engineUser);
    }

    private static void RequireKnown(AccessRequest request)
    {
        if (request.Users.Count + request.Services.Count == 0)
        {
            throw new HostException(HostErrorKind.InvalidInput, "No user and no service was specified.");
        }

        _ = request.Users.Select(AccountDatabase.RequireUser).ToArray();
        _ = request.Services.Select(ServiceAccount.Find).ToArray();
    }

    private async Task<bool> ShareAsync(RootlessPaths paths, InstallationManifest manifest, string group, StepRunner runner, ChangeJournal journal, bool planOnly, CancellationToken cancellationToken)
    {
        ManagedUnit unit = paths.Unit;
        string? actor = unit.User;

        // The program may belong to the user, who can replace it.
        string network = ActingUser.Run(paths.AsRoot ? null : paths.User.Name, () => RootlessNetwork.Choose(new HostView(), manifest.Rootless!.RootlessKit, bringsRootlessKit: false)).Driver;
        RootlessUnitTemplates templates = new(paths, BuildKitVersion.Parse(manifest.Version), manifest.Rootless!.RootlessKit, network);
        FileSteps.RequireOurs(paths.ShareTmpfiles, RootlessUnitTemplates.ShareRule(paths, group), null);
        FileSteps.RequireOurs(paths.ShareDropIn, templates.Share, planOnly ? null : actor);
        bool exchanged = false;
        void Before()
        {
            if (!exchanged && unit.IsActive)
            {
                journal.Append(new UnitRestored(unit.Name, actor));
            }

            exchanged = true;
        }

        runner.Run(SystemSteps.CreateGroup(group));
        runner.Run(FileSteps.Folders(Path.GetDirectoryName(paths.ShareTmpfiles)!, null));
        runner.Run(FileSteps.Write(paths.ShareTmpfiles, RootlessUnitTemplates.ShareRule(paths, group)));
        runner.Run(FileSteps.Folders(RootlessPaths.SharedRoot, null));
        runner.Run(new HostStep(
            StepKind.File,
            paths.SharedDirectory,
            "Create the directory",
            () => FileStatus.Read(paths.SharedDirectory) is { Type: InodeType.Directory, Mode: 0x5e8 } status && status.Uid == paths.User.Uid && status.Gid == AccountDatabase.FindGroup(group)?.Gid,
            () => new DirectoryCreated(paths.SharedDirectory, WithContent: true),
            stop => HostCommand.Require("systemd-tmpfiles", ["--create", paths.ShareTmpfiles], stop)));
        runner.Run(FileSteps.Folders(Path.GetDirectoryName(paths.ShareDropIn)!, actor));
        runner.Run(FileSteps.Write(paths.ShareDropIn, templates.Share, actor, Before, unit.Reload));
        if (planOnly || runner.AnySkipped)
        {
            return false;
        }

        if (exchanged || !File.Exists(paths.SharedSocket))
        {
            runner.Run(new HostStep(StepKind.Unit, unit.Name, "Restart the unit", () => false, () => null, unit.Restart));
        }

        await VerifyAsync(paths, group, cancellationToken).ConfigureAwait(false);
        if (journal.Changes.Count > 0)
        {
            InstallationManifest? before = InstallationManifest.Load(RecordsOf(paths));
            (manifest with
            {
                Programs = new Dictionary<string, string>(),
                Previous = null,
                Group = group,
                InstalledAt = DateTimeOffset.UtcNow,
                Changes = InstallationManifest.Merge(before?.Changes ?? [], journal.Changes),
            }).Save(RecordsOf(paths));
            journal.Close();
        }

        return true;
    }

    // Connects as a member of the group, then as a user without any membership.
    private async Task VerifyAsync(RootlessPaths paths, string group, CancellationToken cancellationToken)
    {
        uint gid = AccountDatabase.FindGroup(group)!.Gid;
        EngineVerifier verifier = new(paths.SharedSocket, Identity.NobodyIn(gid), paths.Unit) { Open = (string.Empty, $"Check the modes and ACLs of {paths.SharedDirectory}.") };
        try
        {
            await verifier.AskAsync(probe, AnswerTimeout, cancellationToken).ConfigureAwait(false);
        }
        catch (Exception error) when (error is not HostException && !cancellationToken.IsCancellationRequested)
        {
            throw new HostException(HostErrorKind.EngineSilent, $"The engine does not answer a member of '{group}' at {paths.SharedSocket}: {error.Message}", $"Run Test-BuildKitSocket unix://{paths.SharedSocket} -Detailed to see what prevents access.", paths.SharedSocket, error);
        }

        verifier.RequireClosedToOthers();
    }
}
