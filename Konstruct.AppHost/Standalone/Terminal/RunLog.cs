namespace Konstruct.AppHost.Standalone.Terminal;

/// <summary>
/// The console, shared by everything that runs: progress in plain sentences, and the services' lines behind their names. Each resource also has a
/// log file of this run.
/// </summary>
internal sealed class RunLog(TextWriter console, bool colours, StateFolder state, IEnumerable<string> names) : IDisposable
{
    private const string Plain = "\e[0m";
    private const string Faint = "\e[90m";

    private static readonly string[] Palette = ["\e[36m", "\e[33m", "\e[35m", "\e[32m", "\e[34m", "\e[96m", "\e[93m"];

    private readonly Lock _lock = new();
    private readonly string[] _names = [.. names];
    private readonly Dictionary<string, StreamWriter> _files = [];

    /// <summary>Colours are for people: a terminal that has not been told otherwise (https://no-color.org).</summary>
    public static bool WantsColours => !Console.IsOutputRedirected && string.IsNullOrEmpty(Environment.GetEnvironmentVariable("NO_COLOR"));

    /// <summary>A resource's log file, as seen from where the person at the console stands.</summary>
    public string FileOf(string resource) => Path.GetRelativePath(Directory.GetCurrentDirectory(), state.LogOf(resource));

    /// <summary>Says something about the run itself.</summary>
    public void Say(string sentence)
    {
        lock (_lock)
            console.WriteLine(sentence);
    }

    /// <summary>Passes on what a resource wrote, to its log file and, where it is of interest, to the console.</summary>
    public void Pass(string resource, string line, bool toConsole)
    {
        lock (_lock)
        {
            if (!_files.TryGetValue(resource, out var file))
                _files.Add(resource, file = new(state.LogOf(resource)) { AutoFlush = true });
            file.WriteLine(line);
            if (toConsole)
                console.WriteLine($"{Paint(Colour(resource), resource.PadRight(_names.Max(name => name.Length)))} {Paint(Faint, "|")} {line}");
        }
    }

    /// <summary>What runs where, once it does.</summary>
    public void Table(IReadOnlyList<string[]> rows)
    {
        string[] head = ["resource", "state", "URL", "log"];
        var widths = head.Select((title, column) => rows.Append(head).Max(row => row[column].Length)).ToArray();
        lock (_lock)
        {
            console.WriteLine();
            console.WriteLine(Paint(Faint, Line(head)));
            foreach (var row in rows)
                console.WriteLine(Paint(Colour(row[0]), row[0]) + Line(row)[row[0].Length..]);
            console.WriteLine();
        }

        string Line(string[] row) => string.Join("  ", row.Select((cell, column) => cell.PadRight(widths[column]))).TrimEnd();
    }

    private string Colour(string resource) => Palette[Math.Max(0, Array.IndexOf(_names, resource)) % Palette.Length];

    private string Paint(string colour, string text) => colours ? $"{colour}{text}{Plain}" : text;

    public void Dispose()
    {
        foreach (var file in _files.Values)
            file.Dispose();
    }
}
