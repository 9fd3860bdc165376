using Konstruct.Load;
using Konstruct.Load.Compare;
using Konstruct.Load.Measure;
using Konstruct.Load.Worker;

using var stop = new CancellationTokenSource();
Console.CancelKeyPress += (_, pressed) =>
{
    pressed.Cancel = true;
    stop.Cancel();
};
using var term = System.Runtime.InteropServices.PosixSignalRegistration.Create(
    System.Runtime.InteropServices.PosixSignal.SIGTERM,
    signal =>
    {
        signal.Cancel = true;
        stop.Cancel();
    }
);

try
{
    return args switch
    {
        [] or ["--help", ..] or ["-h", ..] => Help(),
        ["run", .. var rest] => await LoadRun.RunAsync(LoadOptions.Parse(rest), stop.Token),
        ["idle", .. var rest] => await IdleRun.RunAsync(IdleOptions.Parse(rest), stop.Token),
        ["worker", .. var rest] => await LoadWorker.RunAsync(WorkerOptions.Parse(rest), stop.Token),
        ["table", var folder] => CompareTable.Print(folder, Console.Out),
        _ => throw new BadArgumentException($"There is no command '{args[0]}'; --help lists them."),
    };
}
catch (BadArgumentException problem)
{
    Console.Error.WriteLine(problem.Message);
    return 2;
}
catch (OperationCanceledException) when (stop.IsCancellationRequested)
{
    return 130;
}

static int Help()
{
    Console.WriteLine(
        $"""
        Load for a gateway that speaks the chat protocol, and what is needed to compare gateways.

        run     opens conversations, sends messages, checks every answer, and measures
        {LoadOptions.Help}
        idle    opens sockets that say nothing, and measures what each costs its server
        {IdleOptions.Help}
        worker  answers tasks of the queue by publishing alone: no log, so that it can be faster than any gateway
        {WorkerOptions.Help}
        table   prints the results in a folder side by side, as bench/compare leaves them
        """
    );
    return 0;
}
