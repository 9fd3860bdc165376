using System.CommandLine;
using Konstruct.Load;
using Konstruct.Load.Compare;
using Konstruct.Load.Fill;
using Konstruct.Load.Growth;
using Konstruct.Load.Measure;
using Konstruct.Load.Worker;

var folder = new Argument<string>("folder") { Description = "Where bench/compare left the results." };
var table = new Command("table", "Prints the results in a folder side by side.") { folder };
table.SetAction(given => CompareTable.Print(given.GetRequiredValue(folder), Console.Out));
var root = new RootCommand("Load for a gateway that speaks the chat protocol, and what is needed to compare gateways.")
{
    LoadOptions.Command(LoadRun.RunAsync),
    IdleOptions.Command(IdleRun.RunAsync),
    WorkerOptions.Command(LoadWorker.RunAsync),
    table,
    GrowthTable.Command(),
    FillCommand.Command(),
};
try
{
    // A run that is stopped may still have sockets to close; it has no limit of its own.
    return await root.Parse(args is [] ? ["--help"] : args)
        .InvokeAsync(new() { EnableDefaultExceptionHandler = false, ProcessTerminationTimeout = TimeSpan.FromSeconds(30) });
}
catch (BadArgumentException problem)
{
    Console.Error.WriteLine(problem.Message);
    return 2;
}
catch (OperationCanceledException)
{
    return 130;
}
