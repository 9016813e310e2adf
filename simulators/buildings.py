"""The public institutions of the simulated city, as a table: who owns which building, and what is in it.

City, districts and institutions are invented; their mix, sizes and equipment are typical.
"""

from dataclasses import dataclass

from core.model import Name
from simulators.load import Profile
from simulators.roads import COLUMNS

CITY = ("jiangcheng", Name("江城市", "Jiangcheng City"))
DISTRICTS = {  # the river parts them
    "yunling": Name("云岭区", "Yunling District"),
    "linjiang": Name("临江区", "Linjiang District"),
}
ORGANISATIONS = {  # id: (district, name)
    "city-office": ("yunling", Name("江城市政府办公厅", "Jiangcheng City Office")),
    "county-office": ("linjiang", Name("临江区人民政府", "Linjiang District Government")),
    "hospital": ("yunling", Name("江城市第一人民医院", "Jiangcheng First Hospital")),
    "school": ("linjiang", Name("江城中学", "Jiangcheng Middle School")),
    "college": ("yunling", Name("江城职业学院", "Jiangcheng Vocational College")),
    "culture": ("linjiang", Name("江城市文化和旅游局", "Jiangcheng Culture Bureau")),
}


@dataclass(frozen=True, slots=True)
class Building:
    """A building and its meters.

    junction: the road junction at its gate. special: W/m2 that sub-item D (data centre,
    kitchen, laboratory) draws when busy, 0 for no such sub-item. floors: floor meters below
    sub-item A. chargers: for electric vehicles. kitchen: meals a day cooked with gas.
    heat: whether a heat meter measures its hot water and radiators. solar_kw: peak of the
    panels on its roof, which feed the grid through a meter of their own.
    """

    id: str
    organisation: str
    name: Name
    category: str
    profile: Profile
    floor_area_m2: float
    headcount: int
    junction: int
    special: float = 0.0
    floors: int = 0
    chargers: int = 0
    kitchen: int = 0
    heat: bool = False
    solar_kw: float = 0.0


def _at(row: int, column: int) -> int:
    return row * COLUMNS + column


_O, _H, _S, _V = Profile.OFFICE, Profile.HOSPITAL, Profile.SCHOOL, Profile.VENUE

# fmt: off
BUILDINGS = (
    Building("city-office-1", "city-office", Name("行政中心1号楼", "City Hall Building 1"),
             "office", _O, 32_000, 860, _at(6, 5), special=3.0, floors=6, chargers=4),
    Building("city-office-2", "city-office", Name("行政中心2号楼", "City Hall Building 2"),
             "office", _O, 26_000, 710, _at(6, 6), floors=6),
    Building("city-office-meeting", "city-office", Name("会议中心", "Conference Centre"),
             "venue", _V, 12_500, 60, _at(5, 6), special=2.0, kitchen=500),
    Building("city-office-service", "city-office", Name("后勤服务楼", "Service Building"),
             "office", _O, 7_800, 120, _at(5, 5), special=9.0, kitchen=1500, heat=True),
    Building("county-office-main", "county-office", Name("区政府办公楼", "District Government Building"),
             "office", _O, 21_000, 540, _at(2, 4), special=2.5, floors=5, chargers=3, kitchen=600),
    Building("county-office-hall", "county-office", Name("政务服务中心", "Government Service Hall"),
             "office", _O, 14_000, 260, _at(2, 5), floors=4),
    Building("county-office-archive", "county-office", Name("区档案馆", "District Archive"),
             "office", _O, 6_400, 45, _at(1, 4), special=4.0),
    Building("hospital-outpatient", "hospital", Name("门诊楼", "Outpatient Building"),
             "hospital", _H, 28_000, 620, _at(7, 8), special=6.0, floors=5),
    Building("hospital-inpatient", "hospital", Name("住院楼", "Inpatient Building"),
             "hospital", _H, 46_000, 1180, _at(7, 9), special=4.0, floors=8, kitchen=3200, heat=True),
    Building("hospital-technology", "hospital", Name("医技楼", "Medical Technology Building"),
             "hospital", _H, 18_500, 340, _at(6, 9), special=14.0, floors=4, heat=True),
    Building("hospital-office", "hospital", Name("行政后勤楼", "Hospital Administration"),
             "office", _O, 8_200, 190, _at(6, 8), chargers=3),
    Building("school-teaching", "school", Name("教学楼", "Teaching Building"),
             "school", _S, 16_500, 1900, _at(2, 8), floors=5, solar_kw=120),
    Building("school-laboratory", "school", Name("实验楼", "Laboratory Building"),
             "school", _S, 7_200, 260, _at(1, 8), special=5.0),
    Building("school-dormitory", "school", Name("学生宿舍", "Student Dormitory"),
             "school", _S, 11_800, 980, _at(1, 9), heat=True),
    Building("school-canteen", "school", Name("食堂与体育馆", "Canteen and Gymnasium"),
             "school", _S, 6_900, 80, _at(2, 9), special=12.0, kitchen=2400),
    Building("college-library", "college", Name("学院图书馆", "College Library"),
             "school", _S, 13_200, 420, _at(5, 2), floors=4),
    Building("college-workshop", "college", Name("实训楼", "Training Workshops"),
             "school", _S, 19_400, 760, _at(5, 1), special=10.0, floors=5),
    Building("college-sports", "college", Name("学院体育馆", "College Sports Hall"),
             "venue", _V, 9_600, 40, _at(6, 1), heat=True),
    Building("culture-museum", "culture", Name("市博物馆", "City Museum"),
             "venue", _V, 22_500, 150, _at(2, 1), special=3.5, floors=4, chargers=2),
    Building("culture-stadium", "culture", Name("市体育中心", "City Sports Centre"),
             "venue", _V, 30_500, 110, _at(1, 1), special=3.0, kitchen=300, solar_kw=300),
)
# fmt: on

DEPOTS = {  # id: (organisation, building whose yard it is, name)
    "depot-city": ("city-office", "city-office-1", Name("市级公务车队", "City fleet depot")),
    "depot-county": ("county-office", "county-office-main", Name("区级公务车队", "District fleet depot")),
    "depot-hospital": ("hospital", "hospital-office", Name("医院车队", "Hospital fleet depot")),
    "depot-culture": ("culture", "culture-museum", Name("文旅执法车队", "Culture enforcement depot")),
}
FUEL_STATIONS = (_at(4, 3), _at(4, 8), _at(3, 6))
