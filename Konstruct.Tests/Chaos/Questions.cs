using System.Globalization;

namespace Konstruct.Tests.Chaos;

/// <summary>
/// Questions whose answers are known, each with a text that no other has: it names the client, so that text that goes astray is noticed.
/// </summary>
internal sealed class Questions(string client, int seed)
{
    private readonly Random _random = new(seed);
    private int _count;

    public string Next()
    {
        var number = ++_count;
        var command = _random.Next(20) switch
        {
            0 => "/fail 5",
            1 => "/burst 60",
            2 => "/stream tokens=120 rate=20 delay=0",
            _ => string.Create(CultureInfo.InvariantCulture, $"/stream tokens={_random.Next(5, 50)} rate={_random.Next(10, 60)} delay=0"),
        };
        return $"{command} said {client} in run {seed} as number {number}";
    }
}
