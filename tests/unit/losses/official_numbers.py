"""Numbers produced by running the research code of other groups on small fixed inputs.

Every case: ``source`` (repository@commit, path, lines), ``inputs`` (names of the constants below, or literal values),
``settings``, ``outputs`` (8 digits) and ``note`` (departures from the paper, traps). Their functions, or the
named lines of a longer method, ran unchanged on the CPU with every float cast taken as float64; exceptions are named in
the note. verl's masked mean divides by (tokens + 1e-8). Padding is 0 everywhere; ADVANTAGE is per row. Gradients are
with respect to NEW (log-probabilities) unless named otherwise; positions are [row, token].
"""

MASK = [[1, 1, 1, 1, 1], [1, 1, 1, 0, 0], [1, 1, 1, 1, 0], [1, 1, 1, 1, 1], [1, 1, 0, 0, 0], [1, 1, 1, 1, 0]]
OLD = [
    [-0.21, -1.35, -0.08, -2.6, -0.9],
    [-0.55, -3.5, -1.7, 0.0, 0.0],
    [-0.03, -0.6, -2.2, -1.1, 0.0],
    [-1.6, -0.35, -4.2, -0.75, -0.12],
    [-0.45, -1.9, 0.0, 0.0, 0.0],
    [-2.8, -0.18, -1.05, -0.65, 0.0],
]
NEW = [
    [-0.25, -1.02, -0.06, -2.9, -0.55],
    [-0.5, -0.9, -2.05, 0.0, 0.0],
    [-0.05, -0.72, -1.85, -1.16, 0.0],
    [-1.95, -0.3, -4.6, -0.52, -0.14],
    [-0.4, -1.5, 0.0, 0.0, 0.0],
    [-2.45, -0.2, -1.3, -0.6, 0.0],
]
ADVANTAGE = [1.2, -0.7, 0.4, -2.4, 0.9, -0.3]
H = [
    [0.62, 1.41, 0.23, 2.05, 1.08],
    [0.85, 1.93, 1.27, 0.0, 0.0],
    [0.11, 0.74, 1.66, 0.97, 0.0],
    [1.52, 0.48, 2.31, 0.69, 0.35],
    [0.56, 1.75, 0.0, 0.0, 0.0],
    [1.84, 0.29, 1.15, 0.41, 0.0],
]
REWARDS = [1.0, 0.0, 0.5, 0.0, 1.0, 1.0]
LOGITS = [
    [
        [2.1, 0.3, -1.2, 0.8, -0.5, 1.4, -2.0],
        [6.5, 0.2, -0.4, 1.1, -3.0, 0.5, 0.9],
        [0.4, 0.4, 0.1, -0.2, 0.6, 0.3, -0.1],
        [3.2, 2.9, -1.5, -4.0, 0.7, -2.2, 1.8],
        [-1.0, 4.1, 3.6, 0.2, -2.4, -0.3, -5.0],
        [1.7, -0.6, 2.2, -1.9, 0.9, -3.1, 0.1],
    ],
    [
        [0.9, 1.2, -0.7, 2.5, -1.4, 0.2, 0.6],
        [-2.0, 5.8, 0.3, -0.9, 1.0, -1.1, -4.2],
        [1.1, -3.3, 2.8, 0.5, 2.4, -0.8, -1.7],
        [0.0, 0.7, -0.4, 1.3, -1.0, 1.9, 2.6],
        [4.4, -1.3, 0.8, 3.9, -2.6, -0.2, 1.5],
        [0.5, 0.5, 0.5, 0.5, 0.5, 0.5, 0.5],
    ],
]
LMASK = [[1, 1, 1, 1, 1, 1], [1, 1, 1, 1, 1, 0]]
TOKENS = [[0, 0, 4, 1, 2, 0], [3, 1, 4, 5, 6, 2]]

CASES = {
    "steer": {
        "source": "zz-haooo/STEER@b31df71 verl/trainer/ppo/core_algos.py 580-676, 681-809",
        "inputs": "MASK OLD NEW ADVANTAGE H",
        "settings": {"weights": [0.8, 1.2], "floor": 0.02, "clip": [0.2, 0.28], "dual_clip": 10.0},
        "outputs": {
            "exp_weights": [
                [0.99635149, 0.98400603, 0.99953063, 0.97271938, 0.98531892],
                [0.9960821, 0.8, 0.9870986, 0.0, 0.0],
                [0.99995556, 0.99985895, 0.99648544, 0.99809846, 0.0],
                [0.97612724, 0.99545089, 0.86825341, 0.99196695, 0.99750312],
                [0.99806864, 0.98994989, 0.0, 0.0, 0.0],
                [0.99085086, 0.99981419, 0.99901292, 0.99895327, 0.0],
            ],
            "exp_loss": 0.41619384,
            "exp_grad": [
                [-0.049945252, 0.0, -0.053202912, -0.037596952, 0.0],
                [0.031869853, 0.0, 0.0, 0.0, 0.0],
                [-0.017046176, -0.015422528, 0.0, -0.016347369, 0.0],
                [0.0, 0.10919883, 0.0, 0.13027718, 0.10202622],
                [-0.041057245, 0.0, 0.0, 0.0, 0.0],
                [0.01834023, 0.012782824, 0.0, 0.013697879, 0.0],
            ],
            "linear_weights_row_3": [1.1567584, 1.1919049, 0.94679016, 1.1856189, 1.1955974],
            "linear_loss": 0.4425501,
        },
        "note": """Loss is the token mean of weight * dual-clipped PPO. One outlier (row 1, token 1, ratio 13.5) sets
max|Omega| and pushes all other weights to 1; the smallest exp weight is exactly weight_min. The weights carry no
gradient; H is the old policy's.""",
    },
    "kl_cov": {
        "source": "PRIME-RL/Entropy-Mechanism-of-RL@8850579 verl/trainer/ppo/core_algos.py 426-467",
        "inputs": "MASK OLD NEW ADVANTAGE",
        "settings": {"coefficient": 1.0},
        "outputs": {
            "unregularised_loss": 0.54350418,
            "picked_0_2": [[3, 2]],
            "loss_0_2": 0.56089549,
            "picked_20": [[0, 0], [0, 2], [3, 0], [3, 2]],
            "loss_20": 0.57872157,
            "grad_20": [
                [-0.093606405, -0.07257225, -0.0097496351, -0.038651385, -0.074038307],
                [0.031995207, 0.40976594, 0.021447029, 0.0, 0.0],
                [-0.017046933, -0.015424703, -0.024679436, -0.016378514, 0.0],
                [0.030054409, 0.10969785, 0.026468179, 0.13133217, 0.1022816],
                [-0.041136695, -0.058375749, 0.0, 0.0, 0.0],
                [0.018509577, 0.0127852, 0.010158271, 0.013712232, 0.0],
            ],
        },
        "note": """k_percent is a percentage: 0.2 of 23 tokens still picks max(1, 0) = 1. No clipping anywhere. With
old == new the penalty has value 0 and gradient sign(0) = 0, so the picked tokens change nothing in the first update
of a round (checked). picked_x is for k_percent x.""",
    },
    "clip_cov": {
        "source": "PRIME-RL/Entropy-Mechanism-of-RL@8850579 verl/trainer/ppo/core_algos.py 469-518",
        "inputs": "MASK OLD NEW ADVANTAGE",
        "settings": {"window": [1.0, 5.0], "number_clip_1": 1, "number_clip_0_2": 2, "torch_manual_seed": 0},
        "outputs": {
            "covariance_clip_0_2": [
                [1.2804726, None, 1.5572117, -2.57931, None],
                [-0.27900567, -0.10161437, None, None, None],
                [0.70847259, 0.26860302, None, -0.020266541, None],
                [None, -1.7772231, None, -1.3056578, -2.1201796],
                [0.8432552, None, None, None, None],
                [0.057429112, -0.040396976, None, -0.023005671, None],
            ],
            "candidates_clip_0_2": [[0, 0], [0, 2]],
            "candidates_clip_1": [[0, 0], [0, 2], [3, 0]],
            "seed_0_dropped_clip_1": [[3, 0]],
            "loss_clip_1": 0.46997151,
            "loss_clip_0_2_both_dropped": 0.71013721,
        },
        "note": """None in the covariance: padding or already clipped (set to -inf before the window test, so both may
never be candidates). max(int(share * tokens), 1) of the candidates, drawn with torch.randperm, get loss * 0 and stay
in the denominator. Scripts clip 1/1, so only ratios above 2 are clipped.""",
    },
    "eighty_twenty": {
        "source": ("Shenzhi-Wang/Beyond-the-80-20-Rule-RLVR@6f5dda6 verl/trainer/ppo/core_algos.py 53-87, 922-1009"),
        "inputs": "MASK OLD NEW ADVANTAGE H",
        "settings": {"share": 0.2, "clip": [0.2, 0.28], "dual_clip": 10.0},
        "outputs": {
            "kept": [[0, 3], [1, 1], [3, 2], [4, 1], [5, 0]],
            "loss": 1.4609477,
            "grad_of_kept": {"0,3": -0.17779637, "1,1": 0.0, "3,2": 0.0, "4,1": 0.0, "5,0": 0.085144053},
            "loss_all_tokens": 0.48849349,
        },
        "note": """Keeps int(0.2 * 23 + 0.9999) = 5 tokens of the micro-batch by current entropy; the mean runs over
the kept tokens only (gradient = 23 / 5 of TRL's). With ties torch.topk decides.""",
    },
    "eighty_twenty_trl": {
        "source": "huggingface/trl@f2cd577 trl/trainer/grpo_trainer.py 1396-1432, 3114-3115",
        "inputs": "MASK OLD NEW ADVANTAGE H",
        "settings": {"top_entropy_quantile": 0.2, "clip": [0.2, 0.28]},
        "outputs": {"kept": [[0, 3], [1, 1], [3, 2], [4, 1], [5, 0]], "threshold": 1.714, "loss": 0.42301544},
        "note": """Mask from their function (one rank), loss = two-sided clip * mask averaged over all 23 tokens
(dropped tokens stay in the denominator; no dual clip). Keeps H >= torch.quantile(H, 0.8) with linear interpolation,
so ties keep more tokens.""",
    },
    "lp_reg_proxy": {
        "source": ("CarlanLark/Lp-Reg-dev@33b27e2 verl/workers/actor/dp_actor.py 76-110; utils/torch_functional.py"),
        "inputs": "LOGITS TOKENS",
        "settings": {"temperature": 1.0},
        "outputs": {
            "logp": [
                [-0.7237469, -0.013520326, -1.595486, -1.0342213, -0.99881079, -1.2342379],
                [-0.579564, -0.01489881, -1.0901116, -1.4275825, -3.4325014, -1.9459101],
            ],
            "min_p_0.02": [
                [-0.71567781, 0.0, -1.595486, -1.0273071, -0.98659803, -1.2238359],
                [-0.579564, 0.0, -1.0833928, -1.4275825, -3.4240642, -1.9459101],
            ],
            "min_p_0.2": [
                [-0.57048061, 0.0, -1.595486, -0.98683489, -0.97407698, -1.130773],
                [-0.38827033, 0.0, -0.91301525, -1.2704806, -10004.874, -1.9459101],
            ],
        },
        "note": """Dropped tokens get logit -1e4, not -inf, so their proxy log-probability is about -1e4 (row 1, token
4 at 0.2). The uniform row keeps everything (p >= min_p * max).""",
    },
    "lp_reg": {
        "source": "CarlanLark/Lp-Reg-dev@33b27e2 verl/trainer/ppo/core_algos.py 648-745",
        "inputs": {
            "common": "MASK OLD NEW ADVANTAGE",
            "proxy_logp": [
                [-0.15, -1.0, -0.06, -2.6, -0.5],
                [-0.49, -9000.9, -2.01, 0.0, 0.0],
                [0.05, -0.62, -1.75, -1.06, 0.0],
                [-1.89, -0.29, -4.35, -0.55, -0.12],
                [-0.3, -1.4, 0.0, 0.0, 0.0],
                [-2.25, -0.17, -1.22, -9000.6, 0.0],
            ],
        },
        "settings": {"clip": [1.0, 9.0], "coefficient": 1.0},
        "outputs": {
            "picked_share_0_01": [],
            "loss_share_0_01": 0.54350418,
            "picked_share_0_5": [[1, 2], [3, 0], [3, 2], [5, 0], [5, 2]],
            "loss_share_0_5": 0.54617212,
            "grad_of_picked": [0.019672647, 0.070844125, 0.057597508, 0.0088833698, 0.0065370942],
        },
        "note": """Lowest int(share * negative-advantage tokens) by current logp, and only if that count is above 1:
with share 0.01 a micro-batch under 200 negative tokens is not regularised at all. Of the 6 lowest here, [1, 1] is
left alone (its proxy is below logp: dropped by min-p). Picked tokens lose the clip.""",
    },
    "hapo": {
        "source": (
            "starriver030515/HAPO@7671dde verl/trainer/ppo/core_algos.py 32-84, 86-128, 131-144, 147-156, 727-821"
        ),
        "inputs": "MASK OLD NEW ADVANTAGE H",
        "settings": {"pivot": 0.8, "clip": 0.2, "alpha": 1.0, "beta": 1.0, "dual_clip": 10.0},
        "outputs": {
            "center": 0.55961579,
            "scale": 1.0818984,
            "released": {
                "advantage": [
                    [1.2, 1.2936905, 1.2, 1.8838873, 1.4093273],
                    [-0.7, -0.9468484, -0.78110881, 0.0, 0.0],
                    [0.4, 0.5244315, 0.40763285, 0.4, 0.0],
                    [-2.5222213, -2.4, -4.8, -3.207271, -2.4],
                    [0.9, 0.9, 0.0, 0.0, 0.0],
                    [-0.35419026, -0.3, -0.34552263, -0.3, 0.0],
                ],
                "loss": 0.70222367,
                "low_high": {"0,0": [0.2, 0.27500488], "2,0": [0.2, 0.4], "3,2": [0.2, 0.4]},
                "h_hat": "abs(paper h_hat)",
            },
            "paper": {
                "h_hat": [
                    [-0.37502442, -0.078075395, -0.73341956, 0.56990605, -0.1744394],
                    [-0.26099141, 0.35264057, -0.11586973, 0.0, 0.0],
                    [-1.0, -0.31107874, -0.019082136, -0.21326285, 0.0],
                    [-0.050925558, -0.46752297, 1.0, -0.33636293, -0.58167744],
                    [-0.41181037, 0.0, 0.0, 0.0, 0.0],
                    [0.18063419, -0.64964263, -0.15174211, -0.52449268, 0.0],
                ],
                "advantage": [
                    [0.74997069, 1.2, 0.31989653, 1.8838873, 1.2],
                    [-0.51730601, -0.9468484, -0.7, 0.0, 0.0],
                    [0.0, 0.2755685, 0.4, 0.31469486, 0.0],
                    [-2.4, -1.2779449, -4.8, -2.4, -1.0039741],
                    [0.52937067, 0.9, 0.0, 0.0, 0.0],
                    [-0.35419026, -0.10510721, -0.3, -0.1426522, 0.0],
                ],
                "loss": 0.63692483,
                "grad": [
                    [-0.031328866, 0.0, -0.014189516, -0.060679044, 0.0],
                    [0.023644733, 0.0, 0.0, 0.0, 0.0],
                    [0.0, -0.010626406, 0.0, -0.012885585, 0.0],
                    [0.0, 0.058411587, 0.0, 0.13133217, 0.042786701],
                    [-0.024196177, 0.0, 0.0, 0.0, 0.0],
                    [0.021853039, 0.0044793891, 0.010158271, 0.0065202666, 0.0],
                ],
                "low_high": {"0,0": [0.27500488, 0.2], "2,0": [0.4, 0.2], "3,2": [0.2, 0.4]},
            },
        },
        "note": """Released code divides h <= 0 by min h (negative), so every h_hat is >= 0 and the low-entropy branch
never acts; 'paper' is their own ada_clip, ada_advantage and loss fed with the sign the formula asks for (h / |min
h|). Pivot is the NEAREST order statistic of ln max(H, 1e-8), scale the root mean square about it. The neutral band
uses the adapted bounds (1 - low / 2, 1 + high / 2), not the base ones.""",
    },
    "hapo_group_average": {
        "source": "starriver030515/HAPO@7671dde verl/trainer/ppo/core_algos.py 296-366, 371-424",
        "inputs": "MASK REWARDS, groups of 3",
        "settings": {"epsilon": 1e-06},
        "outputs": {
            "advantage": [1.0425695, -1.4595972, -0.20851389, -1.0954429, 0.9128691, 0.9128691],
            "grpo": [0.999998, -0.999998, 0.0, -1.1546985, 0.57734927, 0.57734927],
            "fallback": {
                "lengths": [1, 14, 14],
                "rewards": [1.0, 0.0, 0.0],
                "advantage": [1.1546985, -0.57734927, -0.57734927],
            },
        },
        "note": """Mean and biased std of the reward over all tokens of the group; the GRPO fallback (unbiased std over
rows) replaces a whole group if any |A| >= 5. Padding is not masked afterwards (it holds (0 - mean) / std and also
enters the >= 5 test).""",
    },
    "canon": {
        "source": "biuboomc/CANON@7d6f814 verl/trainer/ppo/core_algos.py 369-459, 687-775",
        "inputs": "MASK H REWARDS, groups of 3; four_*: one group of 4 single-token rows",
        "settings": {"max_length": 1, "alpha": 1.0, "beta": 0.0},
        "outputs": {
            "row_entropy": [1.078, 1.35, 0.87, 1.07, 1.155, 0.9225],
            "inter_mu_1": [0.5, -0.5, 0.0, -1.0, 0.0, 0.5],
            "intra_mu_0": [0.5, -0.5, 0.0, -0.5, 0.5, 0.0],
            "mixed_mu_half": [0.5, -0.5, 0.0, -0.75, 0.25, 0.25],
            "inter_alpha_half": [0.75, -0.25, -0.25, -0.5, 0.5, 0.0],
            "annealed": [0.5, -0.5, 0.0, -0.79166667, 0.20833333, 0.29166667],
            "inter_row_0_with_max_length_8192": 6.1035156e-05,
            "four_entropies": [0.9, 0.4, 1.3, 0.6],
            "four_rewards": [1.0, 1.0, 1.0, 0.0],
            "four_inter": [0.5, 0.0, 0.5, -1.0],
            "four_intra": [0.0, 0.5, 0.0, -0.5],
        },
        "note": """Low half = n // 2 rows of lowest mean entropy, so a group of 3 splits 1 / 2. Values here have
max_length 1; the release divides by 8192. The annealed variant takes mu = mean reward of the whole batch.""",
    },
    "empo": {
        "source": ("QingyangZhang/EMPO@c5eccd4 trl/src/open_r1/rewards.py 150-217; semantic_uncertainty.py 108-133"),
        "inputs": "outputs hold [completions (| between), cluster ids, rewards]",
        "settings": {"math_verify": "0.9.0 and their 0.6.0"},
        "outputs": {
            "mixed": ["so \\boxed{4}|\\boxed{4.0}|\\boxed{7}|no answer|\\boxed{4}", "01230", [0.4, 0.2, 0.2, 0.0, 0.4]],
            "two_without": ["\\boxed{4}|\\boxed{7}|none|nothing|\\boxed{7}", "01231", [0.2, 0.4, 0.0, 0.0, 0.4]],
            "five_without": ["none|none|none|none|none", "01234", [0.0, 0.0, 0.0, 0.0, 0.0]],
            "all_different_5": ["boxed 1, 2, 3, 5, 8", "01234", "each 0"],
            "all_different_7": ["boxed 1 to 7", "0123456", "each 1/7"],
            "three_one_without": ["\\boxed{1}|\\boxed{2}|none", "012", [0.33333333, 0.33333333, 0.0]],
        },
        "note": """Clusters compare the extracted STRINGS, so 4 and 4.0 differ; answers that are missing are one
cluster each. The gate 'entropy < ln G' is a float comparison: it fails by one ulp for G = 3, 6, 7 (their TRL
default), 10, 14, 21, 22, 24, 25, ... so an all-different group then gets 1 / G (and 0 for no answer) instead of 0.""",
    },
    "ttrl": {
        "source": (
            "PRIME-RL/TTRL@3e2cc93 verl/verl/utils/reward_score/ttrl/ttt_metrics.py, auto_extract.py, auto_verify.py"
        ),
        "inputs": "outputs hold [completions, answers (| between), one reward digit each, majority share]",
        "settings": {"task": "math"},
        "outputs": {
            "majority": [
                "\\boxed{12}|\\boxed{7}|\\boxed{12}|the answer is 12.|\\boxed{9}|\\boxed{7}",
                "12|7|12|12|9|7",
                "101100",
                0.5,
            ],
            "tie": ["\\boxed{7}|\\boxed{12}|\\boxed{12}|\\boxed{7}", "7|12|12|7", "1001", 0.5],
            "equivalent": [
                "\\boxed{0.5}|\\boxed{\\frac{1}{2}}|\\boxed{1/2}|\\boxed{2}",
                "0.5|\\frac{1}{2}|\\frac{1}{2}|2",
                "1110",
                0.5,
            ],
            "no_answer_wins": ["no idea|none|hm|\\boxed{12}|\\boxed{7}", "|||12|7", "11100", 0.6],
            "last_number": ["it is 3 or 12|\\boxed{12}|I get 5", "12|12|5", "110", 0.66666667],
        },
        "note": """A missing answer is the empty string, never None, so it is counted: it can win the vote and then
rewards every row without an answer with 1. Votes are on normalised strings (1/2 = \\frac{1}{2}, but 0.5 is another
vote) while rewards use sympy equality; ties go to the first seen; the last number counts where nothing is boxed.""",
    },
    "rent": {
        "source": "satrams/rent-rl@5d4d38a verl/trainer/ppo/ray_trainer.py 1009-1048",
        "inputs": "MASK H",
        "settings": {"entropy_base": 7.0, "answers": ["3", None, "4", "3", None, "1"]},
        "outputs": {
            "entropy": [-1.078, -1.35, -0.87, -1.07, -1.155, -0.9225],
            "base_format": [-1.078, -7.0, -0.87, -1.07, -7.0, -0.9225],
            "base_format_set_entropy_zero": [0.0, -7.0, 0.0, 0.0, -7.0, 0.0],
        },
        "note": """Reward sits on the last token, float32. base_format (off by default, on in exps/format.yaml)
replaces the mean entropy by 7.0 where extraction returns None; set_entropy_zero leaves only that penalty.""",
    },
    "intuitor": {
        "source": (
            "sunblaze-ucb/Intuitor@3f0cdd7 verl-intuitor/verl utils/torch_functional.py 145-154, "
            "trainer/ppo/ray_trainer.py 275-297"
        ),
        "inputs": "LOGITS LMASK, one group of 2",
        "settings": {},
        "outputs": {
            "self_certainty": [
                [2.6951755, 5.6849489, 1.9812003, 3.8056499, 4.7130965, 3.0342379],
                [2.6081354, 5.9720417, 3.3472544, 2.599011, 4.0039299, 1.9459101],
            ],
            "entropy": [
                [1.3940259, 0.091660293, 1.9118849, 1.1398181, 0.78914483, 1.3001914],
                [1.3645948, 0.094534244, 1.1772495, 1.4168921, 0.90409391, 1.9459101],
            ],
            "row_reward": [3.6523848, 3.7060745],
            "advantage": [-0.70708816, 0.70708816],
        },
        "note": """logsumexp - mean logit, i.e. KL(uniform || p) + ln V. Their open-r1 trainer takes logits[:, -L:]
without the shift by one, so it scores the distribution AFTER each token.""",
    },
    "siren": {
        "source": "Linn3a/siren@fa59a8d verl/verl/workers/actor/dp_actor.py 50-86, 89-97, 421-423, 518-536",
        "inputs": "LOGITS LMASK; shared_*: MASK H",
        "settings": {"p": 0.8, "quantile": 0.8, "anchor": 0.6, "coefficient": 0.005},
        "outputs": {
            "top_p_entropy": [
                [0.63545461, 0.0, 1.3800938, 1.0837997e-12, 6.4670491e-13, 0.66284732],
                [0.51942298, 0.0, 9.9387165e-13, 0.63545461, 7.0321526e-13, 1.6094379],
            ],
            "quantile": [0.66284732, 0.5426293],
            "kept": [[0, 2], [1, 3]],
            "aggregate": 1.0077742,
            "square": 0.16627978,
            "grad_logits_of_kept": {
                "0,2": [1.84174e-05, 1.84174e-05, 0.0, 0.0, -9.82096e-05, 6.13749e-05, 0.0],
                "1,3": [0.0, 0.0, 0.0, 0.0, 0.0, 0.000316431, -0.000316431],
            },
            "shared_quantile": [1.538, 1.666, 1.246, 1.678, 1.512, 1.426],
            "shared_kept": [[0, 3], [1, 1], [2, 2], [3, 2], [4, 1], [5, 0]],
            "shared_aggregate": 1.9233333,
            "row_without_kept": 0.0,
        },
        "note": """The token that crosses p is excluded: top-1 >= p leaves an empty nucleus (entropy exactly 0), a
single-token nucleus gives about 1e-12. grad is of 0.005 * (aggregate - anchor)^2. The quantile mask is applied twice
(second pass on values already zeroed, same tokens kept); a row where nothing is kept counts as 0 in the mean over
rows.""",
    },
    "entropy_advantage": {
        "source": "Linn3a/siren@fa59a8d verl/verl/workers/actor/dp_actor.py 427-434",
        "inputs": "MASK ADVANTAGE H",
        "settings": {"alpha": 0.4, "kappa": 1.0},
        "outputs": {
            "advantage": [
                [1.448, 1.764, 1.292, 2.02, 1.632],
                [-0.36, 0.0, -0.192, 0.0, 0.0],
                [0.444, 0.696, 0.8, 0.788, 0.0],
                [-1.792, -2.208, -1.476, -2.124, -2.26],
                [1.124, 1.6, 0.0, 0.0, 0.0],
                [0.0, -0.184, 0.0, -0.136, 0.0],
            ]
        },
        "note": """A + min(alpha * H, |A| / kappa), H detached; kappa is 1 here (2 in the paper by second-hand notes),
so a negative advantage can be lifted to exactly 0 but not above. In place on the micro-batch's advantages (a second
PPO epoch would add it again).""",
    },
    "epo": {
        "source": "WujiangXu/EPO@5b6fa98 verl/workers/actor/dp_actor.py 79-121, 300-381, 819-825",
        "inputs": {"common": "MASK H", "history": [0.9, 1.2], "step": [0, 1, 0, 1, 1, 0]},
        "settings": {"ratio": [0.5, 1.5], "penalty": 0.1, "smooth": 1.0, "coefficient": 0.001, "max_epochs": 150},
        "outputs": {
            "token_penalised_in_row": [[1, 2, 3], [1], [0, 2], [1, 2, 4], [0], [0, 1, 3]],
            "token_within_share": 0.33333333,
            "token_penalty_mean": 0.056521739,
            "token_loss": -0.00099869565,
            "seq_penalised_in_row": [[], [], [], [], [0, 1], []],
            "seq_within_share": 0.83333333,
            "seq_penalty_mean": 0.0086956522,
            "seq_loss": -0.0010465217,
            "epoch": [0, 30, 75, 76, 112, 150],
            "epoch_weight": [1.0, 0.88986579, 0.82706706, 0.76863155, 0.18211015, 0.039829655],
            "grad_entropy_every_token": -4.3478261e-05,
        },
        "note": """loss = -0.001 * (mean H - mean penalty); the penalty is a where() of constants, so d loss / d H is
-0.001 / 23 for every token whatever is penalised. The share within counts padding and 'seq' averages H over padding
too. Epoch weight: 1 -> 0.827 at half time, then 0.8 * exp(-3 progress) -> 0.040, never 0; an empty history returns
one value where the caller unpacks two.""",
    },
    "tea_rl": {
        "source": "Qihoo360/Light-IF@01e9003 rl/verl/verl/trainer/ppo/core_algos.py 890-909",
        "inputs": "MASK NEW ADVANTAGE H",
        "settings": {"alpha": 10.0, "maximum": 5.0},
        "outputs": {
            "loss": -2.3525889,
            "mean_weight": 2.2707014,
            "grad_entropy": [
                [-0.1312877, -0.042771389, -0.17314515, -0.0027665707, -0.084811794],
                [-0.10394983, -0.12412632, -0.20670646, 0.0, 0.0],
                [-0.17867419, -0.1150877, -0.054807381, -0.086213335, 0.0],
                [-0.0014783017, -4.3030538e-05, -0.2173913, -6.8956458e-05, -3.0537442e-05],
                [-0.2173913, -0.09516754, 0.0, 0.0, 0.0],
                [-0.114999, -0.10428185, -0.10939044, -0.10611131, 0.0],
            ],
            "grad_logp_row_0": [0.0040605413, -0.047892134, 0.10370911, -0.0056767195, -0.054200794],
            "grad_logp_row_4": [0.15045114, -0.15045114, 0.0, 0.0, 0.0],
        },
        "note": """loss = -token mean(H * clamp(10 * softmax over the row of cov, 0, 5)). The softmax is not detached:
grad_logp is non-zero. Never reached in the release (undefined entropy_mode, then overwritten).""",
    },
    "entropy_sft": {
        "source": (
            "Qihoo360/Light-IF@01e9003 coldstart/LLAMA-Factory/src/llamafactory/train/sft/custom_entropy_trainer.py "
            "10-97"
        ),
        "inputs": "LOGITS LMASK TOKENS (labels are the tokens the logits predict)",
        "settings": {"num_items_in_batch": 20},
        "outputs": {
            "delta_coef_0_8": [
                [-0.39147382, -0.059807908, 0.065978053, 0.12236679, 0.36749492, 0.19408474],
                [-0.51211183, -0.060728585, 0.14831201, 0.29406876, 2.7092262, 0.38918203],
            ],
            "dropped_0_8": [[0, 0], [1, 0], [1, 1]],
            "losses_0_8": [1.353309, 0.67665448],
            "losses_0_2": [1.1040619, 0.60723407],
        },
        "note": """0_8: coef 0.8, ratio 0.8; 0_2: coef 0.2, ratio 1 (code default); losses are [mean over kept, loss
function]. Keeps the top max(int(ratio * N), 1) = 8 of 11 by CE - coef * H. workflow.py uses only the loss function:
sum / int(num_items * ratio); the trainer class (mean over kept) is imported but unused. No gradient through H; delta
of the masked token (1, 5) is listed but not ranked.""",
    },
    "skywork": {
        "source": "SkyworkAI/Skywork-OR1@64e96af verl/trainer/ppo/core_algos.py 56-74, 203-227",
        "inputs": "entropies in outputs; entropy_estimate: MASK OLD",
        "settings": {"initial": 0.0, "delta": 0.0001, "range": [0.0, 0.005], "target": 0.2},
        "outputs": {
            "entropies": [0.35, 0.19, 0.12, 0.2, 0.25, 0.15, 0.1999, 0.3, 0.3],
            "applied": [0.0, 0.0, 0.0001, 0.0002, 0.0, 0.0, 0.0001, 0.0002, 0.0],
            "coefficient": [0.0, 0.0001, 0.0002, 0.0001, 0.0, 0.0001, 0.0002, 0.0001, 0.0],
            "enabled": [0, 1, 1, 0, 0, 1, 1, 0, 0],
            "from_0049": [0.0048, 0.0049, 0.005, 0.0049, 0.0048, 0.0049, 0.005, 0.0049, 0.0048],
            "entropy_estimate": 1.2552174,
        },
        "note": """'applied' is coefficient * enabled used in that step, from the previous step's estimate (enabled
starts at 1 with coefficient 0). Strict: exactly 0.2 counts as above. The estimate is -mean old logp over the whole
batch.""",
    },
    "trl_adaptive_entropy": {
        "source": "huggingface/trl@f2cd577 trl/trainer/grpo_trainer.py 3155-3210",
        "inputs": "entropies in outputs",
        "settings": {"initial": 0.0, "delta": 0.005, "range": [0.0, 1.0], "target": 0.2},
        "outputs": {
            "entropies": [0.35, 0.19, 0.12, 0.2, 0.25, 0.15, 0.3],
            "applied": [0.0, 0.0, 0.005, 0.01, 0.015, 0.0, 0.015],
            "coefficient": [0.0, 0.005, 0.01, 0.015, 0.01, 0.015, 0.01],
        },
        "note": """As Skywork but '<=' for both the step and the gate, exact entropy (over kept tokens if
top_entropy_quantile < 1), first window off (last entropy = inf).""",
    },
    "aepo_agentic": {
        "source": "WillDreamer/ARLArena@dc1da9f verl/trainer/ppo/core_algos.py 1336-1445",
        "third_party": True,
        "inputs": "MASK OLD NEW ADVANTAGE H",
        "settings": {"advantage_scale": 0.2, "clip": [0.2, 0.28], "dual_clip": 3.0},
        "outputs": {
            "loss": 0.28534618,
            "grad": [
                [-0.043421669, 0.0, -0.039725397, -0.050470902, 0.0],
                [0.029976815, 0.0, 0.0, 0.0, 0.0],
                [-0.01209375, -0.013930074, 0.0, -0.015949462, 0.0],
                [0.0, 0.090300762, 0.0, 0.11658771, 0.080108471],
                [-0.034874426, 0.0, 0.0, 0.0, 0.0],
                [0.022974894, 0.0097777472, 0.0, 0.010992534, 0.0],
            ],
            "clipped_high": [[0, 1], [0, 4], [2, 2], [4, 1]],
            "inverted_loss": 0.26555383,
            "inverted_z_of_clipped": [-0.54530414, -0.038091098, -0.92955645, -1.0678873],
            "inverted_grad_of_clipped": [-0.059499242, -0.066273844, -0.018122323, -0.039389512],
        },
        "note": """ARLArena port; inverted_* takes 2.5 - H for H. It keeps the gradient of upper-clipped tokens where z
<= 0 and drops it where z > 0 (the bound's denominator is detached for z <= 0); related notes say the reverse of the
paper (paper not read here). z uses the unbiased std over the micro-batch; A * (1 + 0.2 z) applies to every token.""",
    },
    "empg": {
        "source": "WillDreamer/ARLArena@dc1da9f recipe/shop_agent/ppo/core_algos.py 550-615",
        "third_party": True,
        "inputs": "MASK ADVANTAGE H",
        "settings": {"k": 1.0, "k_future": 1.0, "zeta": 0.05},
        "outputs": {
            "single_turn": [1.2370303, -0.26951812, 0.68707433, -2.1967144, 0.82823528, -0.28610736],
            "three_steps_each": [1.2319532, -0.24298917, 0.66360328, -2.1925728, 0.84958393, -0.30957841],
        },
        "note": """Per-row advantage (each row is one step). Recentring subtracts the plain mean over rows of the first
token's advantage, after scaling by g normalised over the batch; runs in float32. three_steps_each: rows 0-2 and 3-5
are steps 0, 1, 2 of two trajectories, the last step gets no bonus.""",
    },
    "hicra": {
        "source": "huggingface/trl @4915fb2 and @31b5fb7 (pull request) trl/trainer/hicra_trainer.py",
        "third_party": True,
        "inputs": {
            "common": "MASK H, groups of 3",
            "row_advantage": [0.8, -0.5, 0.3, 1.1, 0.4, -0.9],
            "planning": [[0, 2], [1, 0], [3, 1], [5, 2]],
        },
        "settings": {"alpha": 0.2, "top": 0.3},
        "outputs": {
            "threshold": [1.41, 1.93, 0.97, 1.52, 1.75, 1.15],
            "first_commit_changed": [],
            "entropy_only": [[0, 3, 0.96], [3, 2, 1.32]],
            "with_planning": [[0, 2, 0.96], [0, 3, 0.96], [1, 0, -0.4], [3, 1, 1.32], [3, 2, 1.32], [5, 2, -0.72]],
        },
        "note": """Both methods transcribed from the stored files. The first version writes into a copy (no effect); a
later commit fixes it: [row, token, new advantage]. Entropy tokens only in rows with A > 0 and longer than the group
mean, strictly above sorted[int(0.7 n)] (a row of 2-3 tokens has none); planning tokens in every row, A * (1 + 0.2
sign A). TIGER-AI-Lab/Hierarchical-Reasoner@964c429 holds README and LICENSE only.""",
    },
    "one_shot_em": {
        "source": "zitian-gao/one-shot-em@b2d2d05 train.py 149-157",
        "inputs": {
            "common": "LOGITS",
            "tokens": [[9, 5, 6, 1, 2, 9], [3, 4, 7, 0, 1, 2]],
            "prompt_width": 3,
            "pad_and_eos": 9,
        },
        "settings": {"temperature": 0.5, "epsilon": 1e-12},
        "outputs": {
            "mask": [[0, 0, 1, 1, 1, 0], [0, 0, 0, 1, 1, 1]],
            "token_entropy": [
                [0.80328656, 0.00054839343, 1.823069, 0.81074664, 0.58612705, 0.82215865],
                [0.5470219, 0.0009579449, 0.75318253, 0.79883469, 0.6017774, 1.9459101],
            ],
            "loss": 1.0944108,
            "grad_0_4": [8.9883e-05, -0.066358, 0.065196, 0.00075127, 7.0074e-06, 0.00031309, 5.4451e-08],
        },
        "note": """The mask starts at the COUNT of prompt tokens, so each left-pad shifts it one place into the prompt
(row 0 includes its last prompt token), it is not shifted by one against the logits, and a final eos equal to pad is
dropped. Token mean of the micro-batch.""",
    },
    "typical": {
        "source": "transformers 5.19.0 generation/logits_process.py TypicalLogitsWarper",
        "inputs": "LOGITS, 12 rows in order",
        "settings": {},
        "outputs": {
            "0.9": "0135/0/012456/016/12/024/0136/1/024/1356/03/0123456",
            "0.5": "035/0/0125/01/12/02/13/1/24/356/03/0123456",
            "0.2": "5/0/015/1/2/0/13/1/4/5/3/0123456",
            "0.2_keep_3": "035/036/015/016/123/024/013/124/024/356/036/0123456",
        },
        "note": """Kept vocabulary indices (digits) of each row by mass. Sorted by | -ln p - H |; the token that
crosses the mass is kept. The uniform row keeps all (ties).""",
    },
    "particle_filtering": {
        "source": "Red-Hat-AI-Innovation-Team/its_hub@e4d00d1 its_hub/algorithms/particle_gibbs.py 52-62, 205",
        "inputs": "scores in outputs",
        "settings": {"random_seed": 0},
        "outputs": {
            "scores": [0.2, 0.5, 0.7, 0.9],
            "log_weights": [-1.3862944, 0.0, 0.84729786, 2.1972246],
            "probabilities": [0.01986755, 0.079470199, 0.18543046, 0.71523179],
            "multinomial_seed_0_of_8": [0, 0, 1, 7],
            "log_weight_of_0_and_1": [-16.118096, 16.118096],
        },
        "note": """log-weight = logit(score) clipped to 1e-7 of the LATEST step only; resampling is multinomial
(random.choices) at every step, so resample probability is proportional to s / (1 - s). Final choice: argmax of the
last log-weight.""",
    },
    "entropic_particle_filter": {
        "source": "jhtariq/entropic-particle-filter@56affc2 its_hub/core/algorithms/particle_filtering.py",
        "third_party": True,
        "inputs": "log_weights in outputs; systematic: probabilities of particle_filtering",
        "settings": {"ess_threshold": 0.5, "early_phase": 0.5},
        "outputs": {
            "log_weights": [4.0, 0.5, 0.0, -1.0, -0.5, 0.2],
            "max_steps": 10,
            "ess": {"1": 4.564407, "3": 3.5500944, "4": 3.042938, "5": 1.0},
            "entropy_n": 0.22565668,
            "entropy": {"1": 3.299339, "3": 2.1835984, "4": 1.8677833, "5": 1.0},
            "base": {"1": 1.9, "3": 1.7, "4": 1.6, "5": 1.0},
            "probabilities_ess_step_1": [0.33077016, 0.15364135, 0.13770004, 0.11060787, 0.12341275, 0.14386783],
            "systematic": {"u": 0.5488135, "of_8": [0, 1, 1, 6], "of_4": [0, 0, 1, 3]},
        },
        "note": """Functions transcribed from the stored file (no snapshot). A fork, not the paper's code; temperatures
by step t of 10: from progress 0.5 on always 1. ESS = 1 / sum p^2 over clipped p; base schedule 2 - t / T. A step
without logprobs gets weight 0, i.e. confidence 0.5.""",
    },
    "aepo_arbitrary": {
        "source": "597358816/AEPO@b353a05 verl/trainer/ray_trainer.py 166-177, 188-197, 785-790, 802-808",
        "inputs": "rewards in outputs; groups of 4, rows b0.., resampled rows t0..",
        "settings": {"target": 0.5, "temperature": [0.8, 1.2], "threshold": 0.05, "maximum": 60},
        "outputs": {
            "rewards": [1.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0, 1.0, 1.0, 1.0, 1.0, 0.0, 0.0, 0.0, 0.0, 0.0],
            "resampled_rewards": [1.0, 1.0, 0.0, 1.0],
            "entropy_0.0": [1.2, 3, "t0 t1 t3 b3", [1.0, 1.0, 1.0, 0.8660239]],
            "entropy_0.5": [1.2, 3, "t0 t1 t3 b3", [1.0, 1.0, 1.0, 0.8660239]],
            "entropy_0.51": [0.8, 1, "t0 b1 b2 b3", [1.0, -0.8660239, -0.8660239, 0.8660239]],
        },
        "note": """[temperature, number, head of the training batch after replacement, its advantages]: number rows of
the resampled positives (A set to 1) displace the first rows, whatever group they belong to. Entropy exactly at the
target counts as low. The signal is the previous step's, 0 at start.""",
    },
    "dcpo": {
        "source": "597358816/AEPO@b353a05 verl/trainer/ray_trainer.py 814-819, 823-833",
        "inputs": {
            "logp_temperature": [[-0.2, -1.3, -0.1], [-0.6, -1.9, -0.4], [-2.1, -0.5, -1.2], [-0.05, -0.9, -1.6]],
            "logp": [[-0.3, -1.1, -0.15], [-0.7, -1.6, -0.55], [-1.8, -0.6, -1.1], [-0.1, -0.95, -1.45]],
            "rewards": [1.0, 0.0, 1.0, 0.0],
            "row_advantage": [0.9, -0.9, 0.9, -0.9],
        },
        "settings": {"target": 0.5, "maximum": 0.1},
        "outputs": {
            "entropy": [0.2, 0.45, 0.7],
            "temperature": [1.2, 1.2, 0.8],
            "a": [0.16666667, 0.090909091, 0.16666667],
            "row_0": [0.93419515, 0.88645513, 0.92521185],
            "row_1": [-0.75, -0.75, -0.75],
            "row_2": [0.8734697, 0.93419515, 0.90080624],
            "row_0_at_0_45": [0.9186519, 0.89261189, 0.91375192],
        },
        "note": """Rows are for entropy 0.2 (0.7 gives the same). a = a0 / (1 + a0), a0 = min(|gap|, 0.1) / share
correct; no correct row divides by 0 (a = nan). The gap's sign only picks the temperature.""",
    },
}
