using System.Globalization;

namespace OpenCloud.Build.Linux;

/// <summary>Who running processes are, from /proc: what holds now, whatever the databases say (proc_pid_status(5)).</summary>
internal static class ProcessCredentials
{
    /// <summary>Who a process is; null when it is gone or cannot be looked at.</summary>
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
            // It ended meanwhile.
        }

        return null;
    }

    /// <summary>How many processes of a user there are, and how many of them are not members of a group.</summary>
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
