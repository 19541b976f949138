using System.Management.Automation.Runspaces;

namespace OpenCloud.Build.Import;

/// <summary>The module's format files in the state of a session, from which PowerShell loads all views again.</summary>
/// <remarks>The runspaces of a pool share one state.</remarks>
internal static class ViewFiles
{
    public static bool Has(InitialSessionState state, string file)
    {
        for (int i = 0; i < state.Formats.Count; i++)
        {
            if (state.Formats[i].FileName == file)
            {
                return true;
            }
        }

        return false;
    }
}
