using System.Globalization;

namespace OpenCloud.Build.Linux;

/// <summary>Reads the credentials of running processes from /proc (proc_pid_status(5)). These count, not those of the user database.</summary>
internal static class ProcessCredentials
{
    /// <summary>The credentials of a process; null when it has ended or cannot be read.</summary>
    public static Identity? Of(int pid)
    {
        try
        {
            uint? uid = null, gid = null;
            foreach (string line in File.ReadLines($"/proc/{pid}/status"))
            {
                string[] fields = line.Split(['\t', ' '], StringSplitOptions.RemoveEmptyEntries);
                switch (fields[0])
                {
                    // real, effective, saved, file system
                    case "Uid:":
                        uid = Number(fields[2]);
                        break;
                    case "Gid:":
                        gid = Number(fields[2]);
                        break;
                    case "Groups:" when uid is not null && gid is not null:
                        return new Identity(uid.Value, gid.Value, [.. fields.Skip(1).Select(Number)]);
                }
            }
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            // The process ended meanwhile.
        }

        return null;
    }

    /// <summary>Counts the processes of a user, and those of them that are not members of a group.</summary>
    public static (int All, int Without) OfUser(uint uid, uint gid)
    {
        (int all, int without) = (0, 0);
        foreach (string folder in Directory.EnumerateDirectories("/proc"))
        {
            if (int.TryParse(Path.GetFileName(folder), NumberStyles.None, CultureInfo.InvariantCulture, out int pid) &&
                Of(pid) is { } identity && identity.Uid == uid)
            {
                all++;
                without += identity.IsMember(gid) ? 0 : 1;
            }
        }

        return (all, without);
    }

    private static uint Number(string text) => uint.Parse(text, CultureInfo.InvariantCulture);
}
