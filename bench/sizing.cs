#:package System.CommandLine
// Computes an installation from the unit costs that bench/growth measured, as the tables of docs/guide/sizing.md:
//   dotnet run bench/sizing.cs -- --users 1000000 --messages 10 --tokens 300
// --help lists the other assumptions. --units names the file of unit costs; without it bench/units.json counts.
using System.CommandLine;
using System.Globalization;
using System.Runtime.CompilerServices;
using System.Text.Json;

var users = Number("--users", 1_000_000, "Users.");
var messages = Number("--messages", 10, "Messages of a user a day.");
var tokens = Number("--tokens", 300, "Tokens of an answer; each is one chunk.");
var peak = Number("--peak", 0.15, "Share of a day's messages in its busiest hour.");
var online = Number("--online", 0.1, "Share of the users that have a socket open then.");
var tabs = Number("--tabs", 1, "Sockets of such a user; each receives all chunks of the conversation.");
var speed = Number("--speed", 50, "Tokens a second of an answer.");
var days = Number("--days", 365, "Days that conversations are kept.");
var full = Number("--full", 0.7, "Share of a core, of memory and of a disk that may be in use at the peak.");
var redisGb = Number("--redis-gb", 32, "Memory of a Redis node, GB.");
var postgresCores = Number("--postgres-cores", 16, "Cores of PostgreSQL.");
var postgresGb = Number("--postgres-gb", 4000, "Disk of PostgreSQL, GB.");
var units = new Option<string>("--units") { Description = "File of unit costs.", DefaultValueFactory = _ => UsualUnits() };

var command = new RootCommand("Computes an installation from unit costs.")
{
    users,
    messages,
    tokens,
    peak,
    online,
    tabs,
    speed,
    days,
    full,
    redisGb,
    postgresCores,
    postgresGb,
    units,
};
command.SetAction(Print);
return command.Parse(args).Invoke();

int Print(ParseResult given)
{
    double Of(Option<double> option) => given.GetValue(option);

    var file = JsonDocument.Parse(File.ReadAllBytes(given.GetValue(units)!)).RootElement;
    var costs = file.GetProperty("units").EnumerateObject().ToDictionary(unit => unit.Name, unit => unit.Value.GetDouble());
    double Cost(string name) =>
        costs.TryGetValue(name, out var cost)
            ? cost
            : throw new InvalidDataException($"{given.GetValue(units)} has no {name}: bench/growth did not measure it.");

    // What a turn with all its chunks costs.
    double PerTurn(string name) => Cost($"{name}_per_turn") + (Of(tokens) * Cost($"{name}_per_chunk"));

    const double SocketsOfGateway = 20_000;
    const double KeptSeconds = 600;

    var turns = Of(users) * Of(messages) * Of(peak) / 3600;
    var chunks = turns * Of(tokens);
    var running = turns * Of(tokens) / Of(speed);
    var sockets = Of(users) * Of(online) * Of(tabs);

    var gatewayCores =
        (((chunks * Of(tabs) * Cost("gateway_us_per_chunk")) + (turns * Cost("gateway_us_per_turn"))) / 1e6)
        + (sockets / 1000 * Cost("gateway_percent_per_1000_sockets") / 100);
    var gateways = Math.Max(Math.Ceiling(gatewayCores / Of(full)), Math.Ceiling(sockets / SocketsOfGateway)) + 1;
    var gatewayMb = Cost("gateway_mb_empty") + (sockets / (gateways - 1) * Cost("gateway_kb_per_socket") / 1024);

    var redisCores = turns * PerTurn("redis_us") / 1e6;
    var dispatchCores = turns * Cost("redis_us_per_turn") / 1e6;
    // A running log is half full on average.
    var redisMemory =
        (
            (running * (Cost("redis_bytes_per_running_turn") + (Of(tokens) / 2 * Cost("redis_bytes_per_chunk"))))
            + (turns * KeptSeconds * PerTurn("redis_bytes"))
        ) / 1e9;
    var redisNodes = Math.Max(1, Math.Max(Math.Ceiling(redisCores / Of(full)), Math.Ceiling(redisMemory / (Of(redisGb) * Of(full)))));

    var usedPostgresCores = turns * PerTurn("postgres_us") / 1e6;
    var wal = turns * PerTurn("wal_bytes") / 1e6;
    var gbADay = Of(users) * Of(messages) * (PerTurn("table_bytes") + PerTurn("index_bytes")) / 1e9;
    var gb = gbADay * Of(days);

    Table("unit cost", "value", [.. costs.OrderBy(unit => unit.Key, StringComparer.Ordinal).Select(unit => ($"`{unit.Key}`", Digits(unit.Value)))]);
    Console.WriteLine($"Measured: {file.GetProperty("source").GetString()}");
    Console.WriteLine();
    Table(
        "at the peak",
        "",
        [
            ("turns a second", Digits(turns)),
            ("chunks a second", Digits(chunks)),
            ("running conversations", Digits(running)),
            ("open sockets", Digits(sockets)),
            ("gateways: CPU, cores", Digits(gatewayCores)),
            ("gateways: number, one to spare", Digits(gateways)),
            ("gateways: memory of each, MB", Digits(gatewayMb)),
            ("Redis: CPU, cores", Digits(redisCores)),
            ("Redis: memory, GB", Digits(redisMemory)),
            ("Redis: nodes, without replicas", Digits(redisNodes)),
            ("PostgreSQL: CPU, cores", Digits(usedPostgresCores)),
            ("PostgreSQL: WAL, MB a second", Digits(wal)),
            ("PostgreSQL: connections", Digits(gateways * 16)),
            ("PostgreSQL: storage, GB a day", Digits(gbADay)),
            ("PostgreSQL: storage that is kept, GB", Digits(gb)),
        ]
    );

    // Gateways and workers are added one by one. These parts are shared by all of them.
    (string What, double Used, double Limit, string Why)[] shared =
    [
        ("Redis's main thread, cores", redisCores, Of(full), "each chunk is appended to a log: use Redis Cluster, which divides the conversations"),
        ("Redis's slot `{dispatch}`, cores", dispatchCores, Of(full), "all turns queue in one hash slot, which a cluster does not divide"),
        ("Redis's memory, GB", redisMemory, Of(redisGb) * Of(full), "the logs of ten minutes of answers: larger nodes, or more of them"),
        ("PostgreSQL's cores", usedPostgresCores, Of(postgresCores) * Of(full), "two transactions a turn: more cores"),
        ("PostgreSQL's disk, GB", gb, Of(postgresGb) * Of(full), "all messages are kept: a larger disk, or fewer days"),
    ];
    string[] order = ["first", "second", "third", "fourth", "fifth"];
    Console.WriteLine("| bottleneck | what | used | one has | enough for so many users | why, and what helps |");
    Console.WriteLine("|---|---|---|---|---|---|");
    foreach (var (i, each) in shared.OrderBy(each => each.Limit / each.Used).Index())
    {
        var enough = Of(users) * each.Limit / each.Used;
        Console.WriteLine($"| {order[i]} | {each.What} | {Digits(each.Used)} | {Digits(each.Limit)} | {Digits(enough)} | {each.Why} |");
    }

    return 0;
}

static void Table(string first, string second, (string Name, string Value)[] rows)
{
    Console.WriteLine($"| {first} | {second} |");
    Console.WriteLine("|---|---|");
    foreach (var (name, value) in rows)
    {
        Console.WriteLine($"| {name} | {value} |");
    }

    Console.WriteLine();
}

// Three significant digits: no cost has more.
static string Digits(double value)
{
    if (value == 0)
    {
        return "0";
    }

    var unit = Math.Pow(10, Math.Floor(Math.Log10(Math.Abs(value))) - 2);
    var rounded = unit >= 1 ? Math.Round(value / unit) * unit : Math.Round(value, (int)Math.Clamp(-Math.Round(Math.Log10(unit)), 0, 15));
    return rounded.ToString("#,0.#####", CultureInfo.InvariantCulture);
}

static Option<double> Number(string name, double otherwise, string description)
{
    var option = new Option<double>(name) { Description = description, DefaultValueFactory = _ => otherwise };
    option.Validators.Add(given =>
    {
        if (given.GetValueOrDefault<double>() is not (> 0 and <= 1e12))
        {
            given.AddError($"{name} is a number above 0.");
        }
    });
    return option;
}

static string UsualUnits([CallerFilePath] string here = "") => Path.Combine(Path.GetDirectoryName(here)!, "units.json");
