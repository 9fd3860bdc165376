namespace Konstruct.LocalServers.Processes;

/// <summary>The last lines of a program's output, for its error message.</summary>
internal sealed class LastLines
{
    private const int Limit = 4;

    private readonly Queue<string> _lines = new();

    public void Add(string line)
    {
        lock (_lines)
        {
            _lines.Enqueue(line.Trim());
            if (_lines.Count > Limit)
            {
                _lines.Dequeue();
            }
        }
    }

    public override string ToString()
    {
        lock (_lines)
        {
            return string.Join(" | ", _lines);
        }
    }
}
