using System.Collections.Concurrent;
using System.Management.Automation;
using System.Management.Automation.Runspaces;
using System.Reflection;

namespace OpenCloud.Build.Import;

/// <summary>The tables of types and views of a runspace, on the way that PowerShell's own definitions take into them.</summary>
/// <remarks>
/// At the import that code is compiled already. Its public ways, Update-TypeData and Update-FormatData, make PowerShell compile 200 methods more and load
/// all views of the runspace again. A method here returns false, and changes nothing, where this PowerShell has other tables.
/// </remarks>
internal sealed class EngineTables
{
    private const BindingFlags Hidden = BindingFlags.Instance | BindingFlags.Static | BindingFlags.NonPublic | BindingFlags.Public;

    private readonly object _context;
    private readonly InitialSessionState _state;

    private EngineTables(object context, InitialSessionState state)
    {
        _context = context;
        _state = state;
    }

    /// <summary>Whether the module may use nothing but PowerShell's public API.</summary>
    public static bool IsPublicOnly => AppContext.TryGetSwitch("OpenCloud.Build.PublicApiOnly", out bool isPublicOnly) && isPublicOnly;

    public static EngineTables? Find(Runspace runspace) =>
        !IsPublicOnly && Read(runspace, "GetExecutionContext") is { } context && Read(context, "InitialSessionState") is InitialSessionState state
            ? new EngineTables(context, state)
            : null;

    /// <summary>Whether this runspace has the views of a file; null if that is not known.</summary>
    public bool? HasViews(string file) => ViewTable.Find(Read(Read(_context, "FormatDBManager"), "Database"))?.Has(file);

    /// <param name="types">The types.</param>
    /// <param name="isInState">Whether the state of the session has them, which other runspaces can share.</param>
    public bool TryAddTypes(List<TypeData> types, bool isInState)
    {
        object? table = Read(_context, "TypeTable");
        MethodInfo? update = table?.GetType().GetMethod("Update", Hidden, [typeof(TypeData), typeof(ConcurrentBag<string>), typeof(bool)]);
        if (update is null || update.ReturnType != typeof(void))
        {
            return false;
        }

        Action<TypeData, ConcurrentBag<string>, bool> add = update.CreateDelegate<Action<TypeData, ConcurrentBag<string>, bool>>(table);
        // Nothing of these types can be wrong: a definition replaces one of the same name, and a test loads them all.
        ConcurrentBag<string> errors = [];
        foreach (TypeData type in types)
        {
            add(type, errors, false);
            if (!isInState)
            {
                // For the day on which PowerShell fills the table again, as it does when another module is removed.
                _state.Types.Add(new SessionStateTypeEntry(type, isRemove: false));
            }
        }

        return true;
    }

    public bool TryAddViews(string[] files)
    {
        object? manager = Read(_context, "FormatDBManager");
        object? database = Read(manager, "Database");
        MethodInfo? add = manager?.GetType().GetMethod("ProcessBuiltinFormatViewDefinitions", Hidden);
        ViewTable? table = ViewTable.Find(database);
        if (database is null || table is null || add?.GetParameters() is not { Length: 7 } parameters
            || parameters[0].ParameterType != typeof(IEnumerable<ExtendedTypeDefinition>)
            || parameters[1].ParameterType != database.GetType() || parameters[5].ParameterType != typeof(bool) || parameters[6].ParameterType != typeof(bool).MakeByRefType())
        {
            return false;
        }

        object? expressions, source, log;
        try
        {
            expressions = Activator.CreateInstance(parameters[2].ParameterType, nonPublic: true);
            source = Activator.CreateInstance(parameters[3].ParameterType, Hidden, binder: null, [string.Empty, files[0]], culture: null);
            log = Activator.CreateInstance(parameters[4].ParameterType, nonPublic: true);
        }
        catch (MissingMethodException)
        {
            return false;
        }

        List<ExtendedTypeDefinition> views = [];
        List<string> origins = [];
        foreach (string file in files)
        {
            views.AddRange(ViewDefinitions.Read(file));
            while (origins.Count < views.Count)
            {
                origins.Add(file);
            }
        }

        ViewFiles.RemoveCopies(_state, files);
        table.RemoveCopies(files);
        int first = table.Count;
        add.Invoke(null, [views, database, expressions, source, log, false, true]);
        // Each definition has one view, and a test loads them all.
        for (int i = first; i < table.Count; i++)
        {
            table.SetFile(i, origins[i - first]);
        }

        foreach (string file in files)
        {
            if (!ViewFiles.Has(_state, file))
            {
                _state.Formats.Add(new SessionStateFormatEntry(file));
            }
        }

        return true;
    }

    private static object? Read(object? owner, string property)
    {
        for (Type? type = owner?.GetType(); type is not null; type = type.BaseType)
        {
            if (type.GetProperty(property, Hidden | BindingFlags.DeclaredOnly) is { } found)
            {
                return found.GetValue(owner);
            }
        }

        return null;
    }
}
