using System.Diagnostics;

namespace Konstruct.AppHost.Standalone.Processes;

/// <summary>What a process is to the application, which decides what its death means.</summary>
internal enum Role
{
    /// <summary>Its death ends the run: nothing works without it.</summary>
    Store,

    /// <summary>Its death is reported, and it is started again.</summary>
    Service,

    /// <summary>Stands before the replicas of a service. Its death ends the run: nobody reaches them without it.</summary>
    Balancer,

    /// <summary>Its death is reported; the application does without.</summary>
    Dashboard,
}

/// <summary>A process of the application, ready to be started.</summary>
/// <param name="Name">Its own name: the resource's, with a number where it is a replica.</param>
/// <param name="Resource">The resource that it runs for.</param>
/// <param name="Role">What its death means.</param>
/// <param name="Url">Where it listens, for people.</param>
/// <param name="After">The processes that have to be ready first.</param>
/// <param name="Environment">Its variables beyond those of this process; null takes one away. Asked for at each start.</param>
/// <param name="Command">Program, arguments and working directory.</param>
/// <param name="Health">Answers 200 once it is ready; null for one that says <c>ready on …</c> itself.</param>
internal sealed record ProcessPlan(
    string Name,
    string Resource,
    Role Role,
    string Url,
    IReadOnlySet<string> After,
    Func<IReadOnlyDictionary<string, string?>> Environment,
    Func<ProcessStartInfo> Command,
    Uri? Health);
